//! The ring against a kernel: also what AddressSanitizer watches.

use super::kernel::{BUFFER_BYTES, BUFFERS};
use super::*;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

/// A ring and sockets for it.
struct Pairs {
    ring: Ring,
    /// What the ring tells of by `Others`, and what writes to that.
    _others: UnixStream,
    teller: UnixStream,
    /// Those that the ring serves.
    ours: Vec<UnixStream>,
    /// Their other ends.
    theirs: Vec<UnixStream>,
}

/// `None` where io_uring isn't to be had.
fn pairs(sockets: usize) -> Option<Pairs> {
    crate::limits::allow_connections(2 * sockets as u64).expect("a high limit on open files");
    let (others, teller) = UnixStream::pair().expect("sockets");
    let ring = match Ring::new(others.as_raw_fd()) {
        Ok(ring) => ring,
        Err(error) => {
            eprintln!("no io_uring here: {error}");
            return None;
        }
    };
    let pairs = (0..sockets).map(|_| UnixStream::pair().expect("sockets"));
    let (ours, theirs): (Vec<_>, Vec<_>) = pairs.unzip();
    for socket in ours.iter().chain(&theirs) {
        socket.set_nonblocking(true).expect("a socket");
    }
    Some(Pairs { ring, _others: others, teller, ours, theirs })
}

/// What comes within one wait, with all the bytes for each socket appended to `got`.
fn turn(ring: &mut Ring, got: &mut [Vec<u8>]) -> Vec<Completion> {
    ring.wait(Some(Duration::from_secs(10))).expect("the ring waits");
    let mut all = Vec::new();
    while let Some((completion, bytes)) = ring.next() {
        if let Completion::Received(key) = completion {
            got[key as usize].extend_from_slice(bytes);
        }
        all.push(completion);
    }
    all
}

/// Writes as much as a socket takes.
fn fill(socket: &mut UnixStream, byte: u8) -> usize {
    let mut sum = 0;
    while let Ok(len) = socket.write(&[byte; 4096]) {
        sum += len;
    }
    sum
}

#[test]
fn bytes_come_then_a_pause_then_the_end() {
    let Some(pairs) = pairs(1) else { return };
    let Pairs { mut ring, mut teller, ours, mut theirs, .. } = pairs;
    let mut got = [Vec::new()];
    ring.receive(&ours[0], 0).expect("asked");
    theirs[0].write_all(b"one").expect("written");
    assert_eq!(turn(&mut ring, &mut got), [Completion::Received(0)]);
    ring.stop_receiving(0).expect("asked");
    assert_eq!(turn(&mut ring, &mut got), [Completion::Paused(0)]);
    theirs[0].write_all(b"two").expect("written");
    teller.write_all(b"!").expect("written");
    assert_eq!(turn(&mut ring, &mut got), [Completion::Others], "nobody receives");
    ring.receive(&ours[0], 0).expect("asked");
    assert_eq!(turn(&mut ring, &mut got), [Completion::Received(0)]);
    drop(theirs);
    assert_eq!(turn(&mut ring, &mut got), [Completion::Ended(0)]);
    assert_eq!(got[0], b"onetwo");
}

/// More has come than there are buffers: what doesn't fit stays in the sockets.
#[test]
fn buffers_may_run_out() {
    const SOCKETS: usize = 64;
    let Some(pairs) = pairs(SOCKETS) else { return };
    let Pairs { mut ring, ours, mut theirs, .. } = pairs;
    let mut sent: Vec<usize> = (0..SOCKETS).map(|i| fill(&mut theirs[i], i as u8)).collect();
    assert!(sent.iter().sum::<usize>() > usize::from(BUFFERS) * BUFFER_BYTES, "{sent:?}");
    let mut got = vec![Vec::new(); SOCKETS];
    for (socket, key) in ours.iter().zip(0..) {
        ring.receive(socket, key).expect("asked");
    }
    let (mut pauses, mut last) = (0, false);
    while got.iter().map(Vec::len).ne(sent.iter().copied()) {
        for completion in turn(&mut ring, &mut got) {
            if let Completion::Paused(key) = completion {
                ring.receive(&ours[key as usize], key).expect("asked");
                pauses += 1;
            }
        }
        if !std::mem::replace(&mut last, true) {
            sent.iter_mut().zip(&mut theirs).for_each(|(sum, s)| *sum += fill(s, b'.'));
        }
    }
    assert!(pauses > 0);
    for (i, bytes) in got.iter().enumerate() {
        assert!(bytes.iter().all(|&b| b == i as u8 || b == b'.'), "another socket's bytes");
    }
}

#[test]
fn one_batch_goes_to_all_and_a_full_socket_waits_for_room() {
    const SOCKETS: usize = 1200;
    let Some(pairs) = pairs(SOCKETS) else { return };
    let Pairs { mut ring, mut ours, mut theirs, .. } = pairs;
    fill(&mut ours[1], b'x');
    drop(std::mem::replace(&mut theirs[2], UnixStream::pair().expect("sockets").0));
    let replies: Vec<String> = (0..SOCKETS).map(|i| format!("reply {i}")).collect();
    let mut sent = Vec::new();
    let batch = ours.iter().map(AsRawFd::as_raw_fd).zip(replies.iter().map(String::as_bytes));
    ring.send(batch, &mut sent).expect("sent");
    assert_eq!((sent[0], sent[1], sent[2]), (7, -libc::EAGAIN, -libc::EPIPE));
    let mut buffer = [0; 64];
    for i in 3..SOCKETS {
        assert_eq!(sent[i] as usize, replies[i].len());
        let len = theirs[i].read(&mut buffer).expect("a reply");
        assert_eq!(&buffer[..len], replies[i].as_bytes());
    }
    ring.watch_room(&ours[1], 1).expect("asked");
    let mut rest = Vec::new();
    let _ = theirs[1].read_to_end(&mut rest);
    assert_eq!(turn(&mut ring, &mut []), [Completion::Room(1)]);
}

/// The kernel may fill a buffer after the ring is gone.
#[test]
fn a_ring_may_go_while_bytes_come() {
    let Some(pairs) = pairs(8) else { return };
    let Pairs { mut ring, ours, mut theirs, .. } = pairs;
    for (socket, key) in ours.iter().zip(0..) {
        ring.receive(socket, key).expect("asked");
    }
    let mut got = vec![Vec::new(); 8];
    theirs[0].write_all(b"x").expect("written");
    turn(&mut ring, &mut got);
    for socket in &mut theirs {
        fill(socket, b'y');
    }
    drop(ring);
    for socket in &mut theirs {
        fill(socket, b'z');
    }
}
