//! Asking the memory for what will be read soon, so that several waits overlap.
//!
//! A hint and nothing else: where a platform has no such instruction it does nothing.

#![allow(unsafe_code)]

/// Bytes that come into the cache together.
pub(super) const LINE: usize = 64;

/// Starts to fetch the line in which a thing begins.
#[cfg_attr(not(target_arch = "wasm32"), inline(always))]
pub(super) fn prefetch<T: ?Sized>(thing: &T) {
    prefetch_at(core::ptr::from_ref(thing).cast::<u8>());
}

/// Starts to fetch the line of an address, which needn't be anything's.
#[cfg_attr(not(target_arch = "wasm32"), inline(always))]
pub(super) fn prefetch_at<T>(address: *const T) {
    #[cfg(all(target_arch = "x86_64", target_feature = "sse", not(miri)))]
    {
        use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a prefetch reads nothing that the program can see and faults nowhere, whatever the
        // address.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(address.cast()) };
    }
    #[cfg(not(all(target_arch = "x86_64", target_feature = "sse", not(miri))))]
    let _ = address;
}
