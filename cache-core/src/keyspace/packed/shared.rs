//! A pointer whose clones share what it points to until one of them writes.
//!
//! `Arc::make_mut` pays two locked instructions at each write, since somebody might hold a weak
//! pointer. Here nobody can: none is ever made, so that one plain load tells whether there is a
//! clone. What must never be here: a way to a weak pointer, or to the inner `Arc`.

#![allow(unsafe_code)]

use super::prefetch::prefetch_at;
use alloc::sync::Arc;
use core::ops::Deref;
use core::sync::atomic::{Ordering, fence};

/// A shared pointer, copied before it is written through.
#[derive(Debug, Default)]
pub(crate) struct Shared<T: ?Sized>(Arc<T>);

impl<T: ?Sized> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Shared(Arc::clone(&self.0))
    }
}

impl<T: ?Sized> Deref for Shared<T> {
    type Target = T;

    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: ?Sized> Shared<T> {
    /// The value to write to, unless a clone shares it.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(crate) fn own(&mut self) -> Option<&mut T> {
        if Arc::strong_count(&self.0) != 1 {
            return None;
        }
        // Pairs with the release by which another thread's last clone was dropped: what that clone
        // read happened before what is written now.
        fence(Ordering::Acquire);
        let value = Arc::as_ptr(&self.0).cast_mut();
        // SAFETY: the count is 1 and there are no weak pointers (none is ever made of an `Arc` in
        // this type, which gives none out), so this is the only pointer to the value; it is borrowed
        // exclusively, so no clone can be made while the reference lives. The pointer comes from the
        // `Arc` itself and may be written through, as in `Arc::get_mut_unchecked`.
        Some(unsafe { &mut *value })
    }
}

impl<T: ?Sized> Shared<T> {
    /// Starts to fetch what tells whether there is a clone: it lies right before the value.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(super) fn prefetch_count(&self) {
        let count = Arc::as_ptr(&self.0).cast::<usize>().wrapping_sub(2);
        prefetch_at(count);
    }
}

impl<T: Clone> Shared<T> {
    pub(crate) fn new(value: T) -> Self {
        Shared(Arc::new(value))
    }

    /// The value to write to, copied first when a clone shares it.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(crate) fn to_mut(&mut self) -> &mut T {
        if self.own().is_none() {
            self.unshare();
        }
        match self.own() {
            Some(value) => value,
            None => unreachable!("it was copied, and nobody else has the copy"),
        }
    }

    #[cold]
    fn unshare(&mut self) {
        self.0 = Arc::new(T::clone(&self.0));
    }

    /// Takes the value out, copied when a clone shares it.
    pub(crate) fn into_inner(self) -> T {
        Arc::unwrap_or_clone(self.0)
    }
}

impl<T: Clone> Shared<[T]> {
    /// So many things, which begin like these; the others are like `fill`.
    pub(super) fn with_len(start: &[T], len: usize, fill: T) -> Self {
        // Neither by way of the stack, which may be small, nor of a vector, which would be a copy.
        let mut new = Shared(core::iter::repeat_n(fill, len).collect());
        let both = start.len().min(len);
        new.slice_mut()[..both].clone_from_slice(&start[..both]);
        new
    }

    /// What to write to, copied first when a clone shares it.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(crate) fn slice_mut(&mut self) -> &mut [T] {
        if self.own().is_none() {
            self.0 = Arc::from(&*self.0);
        }
        match self.own() {
            Some(slice) => slice,
            None => unreachable!("it was copied, and nobody else has the copy"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clone_keeps_what_it_saw() {
        let mut a = Shared::new(alloc::vec![1, 2]);
        let before = Arc::as_ptr(&a.0);
        a.to_mut().push(3);
        assert_eq!(Arc::as_ptr(&a.0), before, "alone it is written in place");
        let b = a.clone();
        assert!(a.own().is_none());
        a.to_mut().push(4);
        assert_eq!((a.len(), b.len()), (4, 3));
        drop(b);
        assert!(a.own().is_some());
        assert_eq!(a.into_inner(), [1, 2, 3, 4]);
    }

    #[test]
    fn bytes_too() {
        let mut a = Shared::with_len(b"abc", 3, 0);
        let b = a.clone();
        a.slice_mut()[0] = b'x';
        assert_eq!((&*a, &*b), (&b"xbc"[..], &b"abc"[..]));
    }

    #[test]
    fn another_thread_may_drop_the_last_clone() {
        extern crate std;
        let mut a = Shared::new([1u64; 64]);
        for _ in 0..100 {
            let b = a.clone();
            let reader = std::thread::spawn(move || b.iter().sum::<u64>());
            let sum: u64 = a.iter().sum();
            a.to_mut()[0] += 1;
            assert_eq!(reader.join().ok(), Some(sum));
        }
    }
}
