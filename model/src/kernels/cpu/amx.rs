//! Tiles of bfloat16 numbers, which newer server processors of Intel multiply as a whole (AMX).
//!
//! The language has no stable name for these instructions, so this is the one place where they are written down. Who holds
//! [`Tiles`] has the kernel's leave to use them, and their shape is set.

/// Rows of a product: two tiles, one below the other. Fewer rows are padded, for they wait for memory.
pub(crate) const ROWS: usize = 32;
/// Columns of a product: two tiles side by side.
pub(crate) const COLUMNS: usize = 32;
/// Pairs of inputs that a tile takes at a time.
pub(crate) const PAIRS: usize = 16;

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod here {
    use std::arch::asm;
    use std::arch::x86_64::__cpuid_count;
    use std::marker::PhantomData;
    use std::sync::OnceLock;

    use super::{COLUMNS, PAIRS, ROWS};

    /// Bytes between the rows of the right matrix.
    const STRIDE: usize = 4 * COLUMNS;
    /// Bytes of a tile.
    const TILE: usize = 4 * ROWS / 2 * PAIRS;

    /// What shape each of the eight tiles has, as the processor reads it.
    #[repr(C, align(64))]
    struct Shapes {
        palette: u8,
        start: u8,
        reserved: [u8; 14],
        bytes_of_a_row: [u16; 16],
        rows: [u8; 16],
    }

    /// The processor's tiles, set up for products in this thread until this is dropped.
    pub(crate) struct Tiles(PhantomData<*const ()>);

    impl Tiles {
        /// None where the processor or the kernel has none.
        #[expect(unsafe_code, reason = "these instructions have no safe names")]
        pub(crate) fn new() -> Option<Self> {
            static AVAILABLE: OnceLock<bool> = OnceLock::new();
            if !AVAILABLE.get_or_init(available) {
                return None;
            }
            let mut shapes =
                Shapes { palette: 1, start: 0, reserved: [0; 14], bytes_of_a_row: [0; 16], rows: [0; 16] };
            shapes.bytes_of_a_row[..8].fill(64);
            shapes.rows[..8].fill(ROWS as u8 / 2);
            // SAFETY: the processor has tiles and the kernel lets this process use them; the shapes are valid ones.
            unsafe { asm!("ldtilecfg [{}]", in(reg) &shapes, options(nostack, readonly)) };
            Some(Self(PhantomData))
        }

        /// The product of `ROWS` rows of `pairs` each, `PAIRS` of every row at a time, with a panel of `pairs` rows of
        /// `COLUMNS` pairs. The rows of the result are `stride` apart.
        #[expect(unsafe_code, reason = "these instructions have no safe names")]
        pub(crate) fn product(
            &self,
            left: &[u32],
            right: &[u32],
            pairs: usize,
            out: &mut [f32],
            stride: usize,
        ) {
            assert!(pairs > 0 && pairs.is_multiple_of(PAIRS) && right.len() == pairs * COLUMNS);
            assert!(left.len() == ROWS * pairs);
            assert!(stride >= COLUMNS && out.len() >= (ROWS - 1) * stride + COLUMNS);
            let (a, b, c) = (left.as_ptr(), right.as_ptr(), out.as_mut_ptr());
            // SAFETY: `ROWS * PAIRS` pairs of the left matrix and `PAIRS` rows of the panel are read at each step, of which
            // there are `pairs / PAIRS`, and `ROWS` rows of `COLUMNS` numbers are written: by the lengths above all of it is
            // within the slices.
            unsafe {
                let c2 = c.add(ROWS / 2 * stride);
                asm!(
                    "tilezero tmm0",
                    "tilezero tmm1",
                    "tilezero tmm2",
                    "tilezero tmm3",
                    "2:",
                    "tileloadd tmm4, [{a} + {a_stride}]",
                    "tileloadd tmm6, [{b} + {stride}]",
                    "tdpbf16ps tmm0, tmm4, tmm6",
                    "tileloadd tmm7, [{b} + {stride} + 64]",
                    "tdpbf16ps tmm1, tmm4, tmm7",
                    "tileloadd tmm5, [{a} + {a_stride} + {tile}]",
                    "tdpbf16ps tmm2, tmm5, tmm6",
                    "tdpbf16ps tmm3, tmm5, tmm7",
                    "add {a}, 2 * {tile}",
                    "add {b}, {step}",
                    "dec {count}",
                    "jnz 2b",
                    "tilestored [{c} + {c_stride}], tmm0",
                    "tilestored [{c} + {c_stride} + 64], tmm1",
                    "tilestored [{c2} + {c_stride}], tmm2",
                    "tilestored [{c2} + {c_stride} + 64], tmm3",
                    a = inout(reg) a => _,
                    b = inout(reg) b => _,
                    c = in(reg) c,
                    c2 = in(reg) c2,
                    a_stride = in(reg) 4 * PAIRS,
                    stride = in(reg) STRIDE,
                    c_stride = in(reg) 4 * stride,
                    tile = const TILE,
                    step = const PAIRS * STRIDE,
                    count = inout(reg) pairs / PAIRS => _,
                    out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
                    out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
                    options(nostack),
                );
            }
        }
    }

    impl Drop for Tiles {
        #[expect(unsafe_code, reason = "these instructions have no safe names")]
        fn drop(&mut self) {
            // SAFETY: nobody in this thread uses the tiles any more.
            unsafe { asm!("tilerelease", options(nomem, nostack)) };
        }
    }

    /// Whether the processor multiplies such tiles, and the kernel gives leave, which it gives to a process once for all.
    #[expect(unsafe_code, reason = "the kernel is asked by a system call")]
    fn available() -> bool {
        const BF16_AND_TILES: u32 = 1 << 22 | 1 << 24;
        const ARCH_REQ_XCOMP_PERM: libc::c_long = 0x1023;
        const TILE_DATA: libc::c_long = 18;
        let features = __cpuid_count(7, 0).edx;
        // SAFETY: the call changes nothing but that the process may use the tiles.
        features & BF16_AND_TILES == BF16_AND_TILES
            && unsafe { libc::syscall(libc::SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, TILE_DATA) } == 0
    }
}

#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
mod here {
    /// There are none on this kind of machine.
    pub(crate) enum Tiles {}

    impl Tiles {
        pub(crate) fn new() -> Option<Self> {
            None
        }

        pub(crate) fn product(&self, _: &[u32], _: &[u32], _: usize, _: &mut [f32], _: usize) {
            match *self {}
        }
    }
}

pub(crate) use here::Tiles;
