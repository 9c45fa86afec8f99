//! What stands for `ring` where there is no io_uring: a ring that can't be made.

use super::completion::{Completion, Key};
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::time::Duration;

/// None.
pub(super) enum Ring {}

impl Ring {
    pub(super) fn new(_: RawFd) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(super) fn watch_others(&mut self) -> io::Result<()> {
        match *self {}
    }

    pub(super) fn receive(&mut self, _: &impl AsRawFd, _: Key) -> io::Result<()> {
        match *self {}
    }

    pub(super) fn stop_receiving(&mut self, _: Key) -> io::Result<()> {
        match *self {}
    }

    pub(super) fn watch_room(&mut self, _: &impl AsRawFd, _: Key) -> io::Result<()> {
        match *self {}
    }

    pub(super) fn stop_watching_room(&mut self, _: Key) -> io::Result<()> {
        match *self {}
    }

    pub(super) fn wait(&mut self, _: Option<Duration>) -> io::Result<()> {
        match *self {}
    }

    pub(super) fn next(&mut self) -> Option<(Completion, &[u8])> {
        match *self {}
    }

    pub(super) fn send<'a>(
        &mut self,
        _: impl Iterator<Item = (RawFd, &'a [u8])>,
        _: &mut Vec<i32>,
    ) -> io::Result<()> {
        match *self {}
    }
}
