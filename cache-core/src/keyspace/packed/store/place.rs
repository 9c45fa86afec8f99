//! Where records come to lie: a slot of the slabs, or memory of their own.

use super::{ALONE, ALONE_OVERHEAD, Store, object_number};
use crate::keyspace::packed::probe::{Found, Probe};
use crate::keyspace::packed::record::{self, Kind, Parts, Record};
use crate::keyspace::packed::shared::Shared;
use crate::keyspace::packed::slabs::{Handle, Moved, SLOT_LIMIT, Slabs};
use crate::types::{Data, LONG};
use alloc::vec;
use alloc::vec::Vec;

impl Store {
    /// Writes a new record.
    pub(super) fn write(&mut self, parts: &Parts<'_>) -> Handle {
        let len = parts.len();
        if !lies_alone(parts)
            && let Some(handle) = self.slabs.alloc(len)
        {
            parts.write(self.slabs.get_mut(handle));
            return handle;
        }
        let parts = parts.with_room();
        let mut bytes = vec![0; parts.len()];
        parts.write(&mut bytes);
        self.keep_alone(bytes)
    }

    /// Takes a record in that lies alone.
    fn keep_alone(&mut self, bytes: Vec<u8>) -> Handle {
        self.large += ALONE_OVERHEAD + bytes.len() as u64;
        self.alone.insert(Shared::new(bytes)) | ALONE
    }

    /// Writes what key `at` of a leaf has now, in place of the record that it had. Gives that one if
    /// it lay alone.
    pub(super) fn rewrite(
        &mut self,
        path: u64,
        found: Found,
        parts: &Parts<'_>,
    ) -> Option<Shared<Vec<u8>>> {
        let (at, handle, len) = (found.at as usize, found.handle, parts.len());
        let fits = match handle & ALONE {
            0 => !lies_alone(parts) && Slabs::fits(self.found(found).size(), len),
            _ => lies_alone(parts) && self.slot(handle).len() == parts.with_room().len(),
        };
        if fits {
            let parts = if handle & ALONE == 0 { *parts } else { parts.with_room() };
            match self.slabs.get_at_mut(handle, found.slot) {
                Some(slot) => parts.write(slot),
                None => parts.write(self.slot_mut(handle)),
            }
            return None;
        }
        let new = self.write(parts);
        self.set_handle(path, at, new);
        self.free(handle)
    }

    pub(super) fn set_handle(&mut self, path: u64, at: usize, handle: Handle) {
        let leaf = self.trie.leaf_mut(path);
        leaf.into_iter().for_each(|mut leaf| leaf.set_handle(at, handle));
    }

    /// Gives a record's place back. Gives the record if it lay alone.
    ///
    /// Whoever has seen where the record lay finds no key of its there from now on.
    pub(super) fn free(&mut self, handle: Handle) -> Option<Shared<Vec<u8>>> {
        if handle & ALONE != 0 {
            let record = self.alone.remove(handle & !ALONE)?;
            self.large -= ALONE_OVERHEAD + record.len() as u64;
            return Some(record);
        }
        let size = self.slabs.get(handle).len() as u16;
        record::forget_key(self.slabs.get_mut(handle));
        if !self.slabs.free(handle) {
            return None;
        }
        self.version += 1;
        while let Some(Moved { from, to }) = self.slabs.fill(size) {
            let probe = self.paths.probe(self.seed, self.record(to).key());
            let (path, tag) = (probe.path, probe.tag());
            if let Some(at) = self.trie.leaf(path).find(tag, |handle| handle == from) {
                self.set_handle(path, at, to);
            }
        }
        None
    }

    /// Makes a string `len` bytes long; those beyond the old end are 0. `None`: there is no such key,
    /// or no such memory.
    pub(crate) fn resize(&mut self, probe: &Probe<'_>, len: usize) -> Option<()> {
        let (found, record) = self.look_up(probe)?;
        let (at, handle, parts) = (found.at as usize, found.handle, record.parts());
        if parts.kind == Kind::Object {
            return self.resize_object(object_number(parts.value), len);
        }
        let old = parts.value.len();
        let short = parts.len() - old + len <= SLOT_LIMIT;
        if len == old {
            return Some(());
        }
        if short {
            let mut value = parts.value[..old.min(len)].to_vec();
            value.resize(len, 0);
            let parts = Parts { key: probe.key, value: &value, ..parts };
            self.rewrite(probe.path, found, &parts);
            return Some(());
        }
        if len > LONG {
            let expires_ms = parts.expires_ms;
            let mut bytes = zeroes(len)?;
            let kept = old.min(len);
            bytes[..kept].copy_from_slice(&parts.value[..kept]);
            let number = self.add_object(Data::String(bytes)).to_le_bytes();
            let parts = Parts { key: probe.key, expires_ms, kind: Kind::Object, value: &number };
            self.rewrite(probe.path, found, &parts);
            return Some(());
        }
        if handle & ALONE == 0 {
            let parts = parts.with_room();
            let mut bytes = Vec::new();
            bytes.try_reserve_exact(parts.len() - old + len).ok()?;
            bytes.resize(parts.len(), 0);
            parts.write(&mut bytes);
            let new = self.keep_alone(bytes);
            self.set_handle(probe.path, at, new);
            self.free(handle);
            self.resize_alone(new & !ALONE, len)
        } else {
            self.resize_alone(handle & !ALONE, len)
        }
    }

    /// A string's bytes to write to.
    pub(crate) fn string_mut(&mut self, probe: &Probe<'_>) -> Option<&mut [u8]> {
        let (Found { handle, .. }, record) = self.look_up(probe)?;
        if record.kind() == Kind::Object {
            return match self.objects.get_mut(object_number(record.value()))?.to_mut() {
                Data::String(bytes) => Some(bytes),
                _ => None,
            };
        }
        let range = record.value_range();
        self.slot_mut(handle).get_mut(range)
    }

    /// Makes the value of a record that lies alone `len` bytes long. `None`: there is no memory.
    fn resize_alone(&mut self, number: u32, len: usize) -> Option<()> {
        let record = self.alone.get_mut(number)?.to_mut();
        let before = record.len();
        let len = Record::read(record).value_range().start + len;
        resize(record, len)?;
        self.large = self.large - before as u64 + len as u64;
        Some(())
    }

    /// Makes a string in its large form `len` bytes long. `None`: there is no memory, or it is none.
    fn resize_object(&mut self, number: u32, len: usize) -> Option<()> {
        let Data::String(bytes) = self.objects.get_mut(number)?.to_mut() else { return None };
        let before = bytes.len();
        resize(bytes, len)?;
        self.large = self.large - before as u64 + len as u64;
        Some(())
    }

    pub(super) fn add_object(&mut self, data: Data) -> u32 {
        self.large += ALONE_OVERHEAD + data.size();
        self.objects.insert(Shared::new(data))
    }

    pub(super) fn drop_object(&mut self, number: u32) -> Option<Shared<Data>> {
        let data = self.objects.remove(number)?;
        self.large -= ALONE_OVERHEAD + data.size();
        Some(data)
    }
}

/// Gives a string another length. `None`: there is no memory.
fn resize(bytes: &mut Vec<u8>, len: usize) -> Option<()> {
    if len > bytes.capacity() && len / 2 > bytes.len() {
        let mut longer = zeroes(len)?;
        longer[..bytes.len()].copy_from_slice(bytes);
        *bytes = longer;
        return Some(());
    }
    if len > bytes.capacity() {
        // Less than a doubling: a string that grows must not take twice what it needs.
        let more = (len - bytes.len()).max(bytes.len() / 8);
        bytes.try_reserve_exact(more).ok()?;
    }
    bytes.resize(len, 0);
    Some(())
}

/// So many zeroes, of memory that the system gives only where it is written to. `None`: there is none.
fn zeroes(len: usize) -> Option<Vec<u8>> {
    let mut room: Vec<u8> = Vec::new();
    room.try_reserve_exact(len).ok()?;
    // What was tried is not to be left out, since the next line knows no error.
    drop(core::hint::black_box(room));
    Some(vec![0; len])
}

/// Whether a record is to have memory of its own: a long one, and that of an object, so that eviction
/// needs to ask only few for the sizes of their objects.
pub(super) fn lies_alone(parts: &Parts<'_>) -> bool {
    parts.len() > SLOT_LIMIT || parts.kind == Kind::Object
}
