//! Numbers of 32 and 64 bits as numbers of 128, which is what decimals are held in.

#[cfg(target_arch = "x86_64")]
use partita_columns::cpu::Level;

use super::encode::Cpu;

macro_rules! widen {
    ($name:ident, $type:ty) => {
        /// Writes `values` with their signs to the first places of `out`; what has no place is left out.
        pub(crate) fn $name(cpu: Cpu, values: &[$type], out: &mut [i128]) {
            let rows = values.len().min(out.len());
            let (values, out) = (&values[..rows], &mut out[..rows]);
            #[cfg(target_arch = "x86_64")]
            let (values, out) = if cpu.level() == Level::Avx512 {
                let done = rows / avx512::LANES * avx512::LANES;
                // SAFETY: a `Cpu` has a level of this processor.
                unsafe { avx512::$name(&values[..done], &mut out[..done]) };
                (&values[done..], &mut out[done..])
            } else {
                (values, out)
            };
            #[cfg(not(target_arch = "x86_64"))]
            let _ = cpu;
            for (wide, value) in out.iter_mut().zip(values) {
                *wide = i128::from(value.cast_signed());
            }
        }
    };
}

widen!(widen_u32, u32);
widen!(widen_u64, u64);

#[cfg(target_arch = "x86_64")]
mod avx512 {
    use std::arch::x86_64::*;

    /// Numbers that are widened at once.
    pub(super) const LANES: usize = 4;

    macro_rules! widen {
        ($name:ident, $type:ty, |$pointer:ident| $load:expr) => {
            /// As many values as places, a multiple of [`LANES`].
            #[target_feature(enable = "avx512f,avx512vl,avx2")]
            pub(super) fn $name(values: &[$type], out: &mut [i128]) {
                let twice = _mm512_setr_epi64(0, 0, 1, 1, 2, 2, 3, 3);
                for (four, out) in values.chunks_exact(LANES).zip(out.chunks_exact_mut(LANES)) {
                    let $pointer = four.as_ptr();
                    // SAFETY: four values are read of four, and as many numbers of 16 bytes written.
                    unsafe {
                        let halves = _mm512_permutexvar_epi64(twice, _mm512_castsi256_si512($load));
                        let wide = _mm512_mask_srai_epi64::<63>(halves, 0xaa, halves);
                        _mm512_storeu_si512(out.as_mut_ptr().cast(), wide);
                    }
                }
            }
        };
    }

    widen!(widen_u32, u32, |pointer| _mm256_cvtepi32_epi64(_mm_loadu_si128(pointer.cast())));
    widen!(widen_u64, u64, |pointer| _mm256_loadu_si256(pointer.cast()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_level_widens_with_the_sign() {
        for rows in [0, 1, 3, 4, 5, 64, 1001] {
            let longs: Vec<u64> = (0..rows).map(|row: u64| row.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect();
            let shorts: Vec<u32> = longs.iter().map(|value| (value >> 29) as u32).collect();
            for cpu in Cpu::all() {
                let mut out = vec![7; rows as usize + 1];
                widen_u64(cpu, &longs, &mut out);
                let expected = longs.iter().map(|value| i128::from(*value as i64)).chain([7]);
                assert_eq!(out, expected.collect::<Vec<_>>());
                widen_u32(cpu, &shorts, &mut out);
                let expected = shorts.iter().map(|value| i128::from(*value as i32)).chain([7]);
                assert_eq!(out, expected.collect::<Vec<_>>());
            }
        }
        let mut short = [0; 2];
        widen_u64(Cpu::new(), &[u64::MAX, 1, 5], &mut short);
        assert_eq!(short, [-1, 1]);
    }
}
