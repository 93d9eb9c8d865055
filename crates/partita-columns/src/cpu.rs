//! Which of the instruction sets that kernels are written for this processor has.
//!
//! A kernel with several paths asks [`level`] once a call and runs the widest that is there. All paths give the same
//! bytes; `PARTITA_CPU` (`portable`, `avx2`, `avx512`, `neon`) takes a narrower one, for tests and for comparisons.

use std::sync::OnceLock;

/// A set of instructions, as kernels are compiled for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// What every processor of the target has.
    Portable,
    /// x86-64 with `avx2`, `bmi1`, `bmi2`, `lzcnt`, `popcnt` and `pclmulqdq` (Haswell, Zen and later).
    Avx2,
    /// All of [`Level::Avx2`], and AVX-512 `f`, `bw`, `cd`, `dq`, `vl`, `vbmi` and `vbmi2` (Ice Lake, Zen 4 and
    /// later).
    Avx512,
    /// 64-bit ARM, where `neon` is always there.
    Neon,
}

impl Level {
    /// The name, as in `PARTITA_CPU`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
            Self::Neon => "neon",
        }
    }

    /// The level of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Portable, Self::Avx2, Self::Avx512, Self::Neon].into_iter().find(|level| level.name() == name)
    }
}

/// The levels of this processor, narrowest first; the first is always [`Level::Portable`].
pub fn levels() -> Vec<Level> {
    let mut levels = vec![Level::Portable];
    #[cfg(target_arch = "x86_64")]
    {
        if has_avx2() {
            levels.push(Level::Avx2);
            if has_avx512() {
                levels.push(Level::Avx512);
            }
        }
    }
    #[cfg(target_arch = "aarch64")]
    levels.push(Level::Neon);
    levels
}

/// The level that kernels run at: the widest of [`levels`], or the one that `PARTITA_CPU` names where this processor
/// has it. Asked of the processor and of the environment once in a process.
#[inline]
pub fn level() -> Level {
    static LEVEL: OnceLock<Level> = OnceLock::new();
    *LEVEL.get_or_init(|| {
        let levels = levels();
        let wanted = std::env::var("PARTITA_CPU").ok().and_then(|name| Level::from_name(&name));
        let widest = levels.last().copied().unwrap_or(Level::Portable);
        wanted.filter(|wanted| levels.contains(wanted)).unwrap_or(widest)
    })
}

#[cfg(target_arch = "x86_64")]
fn has_avx2() -> bool {
    std::is_x86_feature_detected!("avx2")
        && std::is_x86_feature_detected!("bmi1")
        && std::is_x86_feature_detected!("bmi2")
        && std::is_x86_feature_detected!("lzcnt")
        && std::is_x86_feature_detected!("popcnt")
        && std::is_x86_feature_detected!("pclmulqdq")
}

#[cfg(target_arch = "x86_64")]
fn has_avx512() -> bool {
    std::is_x86_feature_detected!("avx512f")
        && std::is_x86_feature_detected!("avx512bw")
        && std::is_x86_feature_detected!("avx512cd")
        && std::is_x86_feature_detected!("avx512dq")
        && std::is_x86_feature_detected!("avx512vl")
        && std::is_x86_feature_detected!("avx512vbmi")
        && std::is_x86_feature_detected!("avx512vbmi2")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_level_is_one_of_this_processor() {
        let levels = levels();
        assert_eq!(levels[0], Level::Portable);
        assert!(levels.contains(&level()));
        for level in levels {
            assert_eq!(Level::from_name(level.name()), Some(level));
        }
        assert_eq!(Level::from_name("avx3"), None);
    }
}
