//! The sizes that slots have.

use super::pages::PAGE_BYTES as PAGE;

/// The longest record that lies in a page.
pub(super) const SLOT_LIMIT: usize = 1023;

/// Sizes rise in steps of 2 up to 128 and of 4 up to 256; beyond, a page is cut into equal parts.
const FINE: usize = 128;
const COARSE: usize = 256;
const SMALLEST: usize = 16;
/// Parts of a page of the first size beyond `COARSE`.
const MOST_PARTS: usize = PAGE / (COARSE + 1);
const FINE_CLASSES: usize = (FINE - SMALLEST) / 2 + 1;
const COARSE_CLASSES: usize = (COARSE - FINE) / 4;

/// Slots in a page.
pub(super) fn parts(size: u16) -> usize {
    PAGE / usize::from(size)
}

/// The size class of a record of `len` bytes, at most [`SLOT_LIMIT`].
fn class_of(len: usize) -> usize {
    if len <= FINE {
        (len.max(SMALLEST) - SMALLEST).div_ceil(2)
    } else if len <= COARSE {
        FINE_CLASSES - 1 + (len - FINE).div_ceil(4)
    } else {
        FINE_CLASSES + COARSE_CLASSES + MOST_PARTS - PAGE / len
    }
}

/// Bytes of a slot of this class.
fn size_of_class(class: usize) -> usize {
    if class < FINE_CLASSES {
        SMALLEST + 2 * class
    } else if class < FINE_CLASSES + COARSE_CLASSES {
        FINE + 4 * (class + 1 - FINE_CLASSES)
    } else {
        PAGE / (MOST_PARTS + FINE_CLASSES + COARSE_CLASSES - class)
    }
}

/// Bytes of the slot that a record of `len` bytes gets.
pub(super) fn slot_size(len: usize) -> usize {
    size_of_class(class_of(len))
}

/// The same where there are few records: then some padding costs less than one more size does.
pub(super) fn rough_slot_size(len: usize) -> usize {
    slot_size(len.next_multiple_of(8).min(SLOT_LIMIT))
}

#[cfg(test)]
mod tests {
    use super::super::slabs::SLOT_BITS;
    use super::*;
    use alloc::vec::Vec;

    #[test]
    #[cfg_attr(miri, ignore = "counts and nothing else")]
    fn each_length_has_the_least_slot_that_fits() {
        let classes = class_of(SLOT_LIMIT) + 1;
        let sizes: Vec<usize> = (0..classes).map(size_of_class).collect();
        assert!(sizes.is_sorted(), "{sizes:?}");
        assert_eq!((sizes[0], sizes[classes - 1]), (SMALLEST, SLOT_LIMIT));
        for len in 1..=SLOT_LIMIT {
            let least = sizes.iter().copied().find(|&size| size >= len);
            assert_eq!(Some(slot_size(len)), least, "{len}");
            assert!(slot_size(len) - len <= 255);
            assert!(PAGE / slot_size(len) <= 1 << SLOT_BITS);
            assert_eq!(size_of_class(class_of(slot_size(len))), slot_size(len));
        }
    }
}
