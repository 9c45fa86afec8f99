//! What is shared with the kernel, and all of the `unsafe` in serving; nothing in the interface is.
//!
//! Two things are shared: the buffers for what is received, which are never freed, and the bytes to
//! be sent, of which the kernel knows nothing any more when [`Kernel::send`] returns. Nobody else
//! can hand over a request, as each points to memory. What must never be here: what a request is for.

#![allow(unsafe_code)]

use io_uring::{IoUring, cqueue, opcode, squeue, types};
use std::collections::VecDeque;
use std::io;
use std::os::fd::RawFd;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

/// Requests that are handed over at once at the most.
const SUBMISSIONS: u32 = 1024;
/// Completions that may wait before the kernel has to keep them elsewhere.
const COMPLETIONS: u32 = 8192;
/// Buffers lent to the kernel: a power of 2.
pub(super) const BUFFERS: u16 = 1024;
/// Bytes of a buffer.
pub(super) const BUFFER_BYTES: usize = 4096;
/// The buffers' group, of which there is one.
const GROUP: u16 = 0;

/// What a request is called by whoever makes it: less than 2^63.
pub(super) type Name = u64;
/// What those that send are called here.
const SEND: Name = 1 << 63;

/// What became of a request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told {
    pub(super) name: Name,
    /// What the system call would have given; an error's number is negated.
    pub(super) result: i32,
    /// Whether the request goes on.
    pub(super) goes_on: bool,
}

/// The ring that is shared.
pub(super) struct Kernel {
    uring: IoUring,
    buffers: Buffers,
    /// Completions that came while others were waited for.
    early: VecDeque<cqueue::Entry>,
    /// The buffer that the last completion brought, and how much is in it.
    lent: Option<(u16, usize)>,
    /// Handing over bytes failed or is under way, and nothing else may be handed over.
    broken: bool,
}

impl Kernel {
    pub(super) fn new() -> io::Result<Self> {
        let uring = IoUring::builder()
            .setup_single_issuer()
            .setup_defer_taskrun()
            .setup_taskrun_flag()
            .setup_submit_all()
            .setup_cqsize(COMPLETIONS)
            .build(SUBMISSIONS)?;
        if !uring.params().is_feature_nodrop() || !uring.params().is_feature_ext_arg() {
            return Err(io::ErrorKind::Unsupported.into());
        }
        let buffers = Buffers::lend(&uring)?;
        Ok(Kernel { uring, buffers, early: VecDeque::new(), lent: None, broken: false })
    }

    /// Asks to be told once when a file is ready for one of these `events` (`POLLIN`, `POLLOUT`).
    pub(super) fn watch(&mut self, file: RawFd, events: i16, name: Name) -> io::Result<()> {
        self.ask(opcode::PollAdd::new(types::Fd(file), events as u32).build(), name)
    }

    /// Asks for a socket's input, as often as there is some.
    pub(super) fn receive(&mut self, socket: RawFd, name: Name) -> io::Result<()> {
        self.ask(opcode::RecvMulti::new(types::Fd(socket), GROUP).build(), name)
    }

    /// Takes a request back.
    pub(super) fn cancel(&mut self, request: Name, name: Name) -> io::Result<()> {
        self.ask(opcode::AsyncCancel::new(request).build(), name)
    }

    /// Waits until something is told, for so long at the most; `None` is for ever.
    pub(super) fn wait(&mut self, patience: Option<Duration>) -> io::Result<()> {
        self.check()?;
        self.take_back();
        let patience = if self.early.is_empty() { patience } else { Some(Duration::ZERO) };
        let submitter = self.uring.submitter();
        let done = match patience {
            None => submitter.submit_and_wait(1),
            Some(Duration::ZERO) => submitter.submit_with_args(0, &types::SubmitArgs::new()),
            Some(patience) => {
                let patience = types::Timespec::from(patience);
                submitter.submit_with_args(1, &types::SubmitArgs::new().timespec(&patience))
            }
        };
        match done {
            Err(error) if !passes(&error) => Err(error),
            _ => Ok(()),
        }
    }

    /// The next that is told. What [`input`](Self::input) gave is the kernel's again.
    pub(super) fn next(&mut self) -> Option<Told> {
        self.take_back();
        let entry = self.early.pop_front().or_else(|| self.uring.completion().next())?;
        let (result, flags) = (entry.result(), entry.flags());
        self.lent = cqueue::buffer_select(flags).map(|buffer| (buffer, result.max(0) as usize));
        Some(Told { name: entry.user_data(), result, goes_on: cqueue::more(flags) })
    }

    /// The bytes that came with what was told last, if any did.
    pub(super) fn input(&self) -> Option<&[u8]> {
        self.lent.map(|(buffer, len)| self.buffers.filled(buffer, len)).filter(|b| !b.is_empty())
    }

    /// Sends to many sockets, to each as much as it has room for. `sent` gets how many bytes that
    /// were, or why none: an error's number, negated.
    pub(super) fn send<'a>(
        &mut self,
        out: impl Iterator<Item = (RawFd, &'a [u8])>,
        sent: &mut Vec<i32>,
    ) -> io::Result<()> {
        /// What no completion says.
        const UNSENT: i32 = i32::MIN;
        self.check()?;
        sent.clear();
        // Until all is done, so that nobody hands over what is left if this ends early.
        self.broken = true;
        let mut left = 0;
        for (socket, bytes) in out {
            if self.uring.submission().is_full() {
                self.hand_over(sent, &mut left)?;
            }
            // Without room it is to fail and not to wait, as it would with the bytes at hand.
            let flags = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
            let len = bytes.len().min(i32::MAX as usize) as u32;
            let send = opcode::Send::new(types::Fd(socket), bytes.as_ptr(), len).flags(flags);
            self.put(&send.build().user_data(SEND | sent.len() as u64))?;
            sent.push(UNSENT);
            left += 1;
        }
        // The kernel may read the bytes until each has its result: not before then do we return, or
        // else we hand nothing over any more.
        while left > 0 {
            self.hand_over(sent, &mut left)?;
        }
        self.broken = false;
        Ok(())
    }

    /// Hands requests over and takes in what became of those that send, of which `left` are under
    /// way.
    fn hand_over(&mut self, sent: &mut [i32], left: &mut usize) -> io::Result<()> {
        // They are done while they are handed over; to wait for one is for what we don't foresee.
        let want = usize::from(self.uring.submission().is_empty());
        if let Err(error) = self.uring.submit_and_wait(want)
            && !passes(&error)
        {
            return Err(error);
        }
        for entry in self.uring.completion() {
            if entry.user_data() & SEND != 0 {
                sent[(entry.user_data() & !SEND) as usize] = entry.result();
                *left -= 1;
            } else {
                self.early.push_back(entry);
            }
        }
        Ok(())
    }

    fn ask(&mut self, entry: squeue::Entry, name: Name) -> io::Result<()> {
        self.check()?;
        self.put(&entry.user_data(name & !SEND))
    }

    fn put(&mut self, entry: &squeue::Entry) -> io::Result<()> {
        // SAFETY: of the requests that are made here only those of `send` point to memory, and it
        // sees to it that this lives as long as the kernel reads it.
        while unsafe { self.uring.submission().push(entry) }.is_err() {
            if let Err(error) = self.uring.submit()
                && !passes(&error)
            {
                self.broken = true;
                return Err(error);
            }
        }
        Ok(())
    }

    fn check(&self) -> io::Result<()> {
        if self.broken { Err(io::ErrorKind::BrokenPipe.into()) } else { Ok(()) }
    }

    /// Lends the kernel the last buffer again.
    fn take_back(&mut self) {
        if let Some((buffer, _)) = self.lent.take() {
            self.buffers.lend_again(buffer);
        }
    }
}

/// Whether an error of handing over or waiting is none: time is up, a signal came, or completions
/// have to be looked at first.
fn passes(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ETIME | libc::EINTR | libc::EAGAIN | libc::EBUSY))
}

/// The buffers that are lent to the kernel. They are never freed: it may write to them for a while
/// after the ring is gone.
struct Buffers {
    entries: *mut Entries,
    bytes: *mut u8,
    /// How many were ever lent, as the kernel counts.
    lent: u16,
}

/// A ring in which we put buffers and the kernel takes them out.
#[repr(C, align(4096))]
struct Entries([types::BufRingEntry; BUFFERS as usize]);

impl Buffers {
    fn lend(uring: &IoUring) -> io::Result<Self> {
        // SAFETY: its fields are integers, for which zero is a value.
        let entries = unsafe { Box::<Entries>::new_zeroed().assume_init() };
        let entries: *mut Entries = Box::into_raw(entries);
        // SAFETY: the memory is aligned to a page, holds as many entries, and is never freed.
        unsafe {
            let submitter = uring.submitter();
            submitter.register_buf_ring_with_flags(entries as u64, BUFFERS, GROUP, 0)?;
        }
        let bytes = vec![0; usize::from(BUFFERS) * BUFFER_BYTES].leak().as_mut_ptr();
        let mut buffers = Buffers { entries, bytes, lent: 0 };
        (0..BUFFERS).for_each(|buffer| buffers.lend_again(buffer));
        Ok(buffers)
    }

    /// The first `len` bytes of a buffer that the kernel has filled and that wasn't lent since.
    fn filled(&self, buffer: u16, len: usize) -> &[u8] {
        assert!(buffer < BUFFERS && len <= BUFFER_BYTES);
        // SAFETY: it lies within the buffers, which live for ever and began as zeros. The kernel
        // doesn't write to one that it gave back, and the borrow ends before that is lent again,
        // which takes `&mut self`.
        unsafe {
            std::slice::from_raw_parts(self.bytes.add(usize::from(buffer) * BUFFER_BYTES), len)
        }
    }

    /// Lends a buffer that the kernel has given back, or never had.
    fn lend_again(&mut self, buffer: u16) {
        assert!(buffer < BUFFERS);
        // SAFETY: the entries live for ever and the place is one of them; the kernel reads it only
        // after the count says so. That lies in the first entry, whose other fields it isn't in.
        unsafe {
            let first = self.entries.cast::<types::BufRingEntry>();
            let entry = &mut *first.add(usize::from(self.lent % BUFFERS));
            entry.set_addr(self.bytes.add(usize::from(buffer) * BUFFER_BYTES) as u64);
            entry.set_len(BUFFER_BYTES as u32);
            entry.set_bid(buffer);
            self.lent = self.lent.wrapping_add(1);
            let count = AtomicU16::from_ptr(types::BufRingEntry::tail(first).cast_mut());
            count.store(self.lent, Ordering::Release);
        }
    }
}
