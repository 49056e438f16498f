//! Memory in pages of 2 MiB, where the kernel has them, that is kept for a minute after its last use: each step of a training
//! takes some gigabytes anew, and the kernel would clear every page of them.

use tikv_jemallocator::Jemalloc;

#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

/// Read by jemalloc when it begins.
#[expect(unsafe_code, reason = "the allocator finds its settings by this name")]
#[unsafe(export_name = "_rjem_malloc_conf")]
static SETTINGS: &[u8; 53] = b"thp:always,oversize_threshold:0,dirty_decay_ms:60000\0";
