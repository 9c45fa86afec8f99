//! How the C library's allocator treats the engine's chunks of 128 KiB.
//!
//! By itself glibc maps such a chunk alone until it has unmapped one; from then on it takes them from
//! its heap, which goes back to the system only from its end. What has grown and shrunk would stay
//! (decision 8). musl maps them alone in any case.

#![allow(unsafe_code)]

/// Keeps chunks apart from the heap. To be called before there are threads.
pub(crate) fn keep_chunks_apart() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        /// Bytes from which on a block is mapped alone: a chunk, with the allocator's own.
        const CHUNK: libc::c_int = 128 * 1024;
        /// Blocks that are mapped alone, at most: a process has 65530 mappings, unless the system
        /// was told otherwise, and without one to spare nothing could be unmapped.
        const MAPPED: libc::c_int = 60_000;
        // SAFETY: both set a number of the allocator's, which keeps to it from then on; where it
        // knows no such number, nothing happens.
        unsafe {
            libc::mallopt(libc::M_MMAP_THRESHOLD, CHUNK);
            libc::mallopt(libc::M_MMAP_MAX, MAPPED);
        }
    }
}
