//! What the kernels of the Parquet encoder have in common: the level they run at, and one body for every level.

use partita_columns::cpu::{self, Level};

/// A level that this processor has: kernels take it as the proof.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cpu(Level);

impl Cpu {
    /// The level of this process.
    pub(crate) fn new() -> Self {
        Self(cpu::level())
    }

    /// Every level of this processor.
    #[cfg(test)]
    pub(crate) fn all() -> Vec<Self> {
        cpu::levels().into_iter().map(Self).collect()
    }

    pub(super) fn level(self) -> Level {
        self.0
    }
}

/// Compiles `$body` once for each level; the compiler makes vector instructions of its loops. What it calls has to be
/// `#[inline(always)]`.
macro_rules! at_each_level {
    ($(#[$meta:meta])* fn $name:ident($($arg:ident: $type:ty),* $(,)?) $(-> $result:ty)? = $body:path;) => {
        $(#[$meta])*
        pub(crate) fn $name(cpu: $crate::simd::encode::Cpu, $($arg: $type),*) $(-> $result)? {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
            fn avx2($($arg: $type),*) $(-> $result)? {
                $body($($arg),*)
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
            #[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx512vbmi,avx512vbmi2")]
            fn avx512($($arg: $type),*) $(-> $result)? {
                $body($($arg),*)
            }
            match cpu.level() {
                #[cfg(target_arch = "x86_64")]
                // SAFETY: a `Cpu` has a level of this processor.
                partita_columns::cpu::Level::Avx512 => unsafe { avx512($($arg),*) },
                #[cfg(target_arch = "x86_64")]
                // SAFETY: as above.
                partita_columns::cpu::Level::Avx2 => unsafe { avx2($($arg),*) },
                _ => $body($($arg),*),
            }
        }
    };
}
pub(super) use at_each_level;
