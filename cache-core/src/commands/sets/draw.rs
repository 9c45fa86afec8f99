//! What lists members: some by chance, some by a cursor.

use super::check_reply;
use crate::commands::arguments::{Words, positive_or_out_of_range};
use crate::commands::sampling::{self, Pool, SHORTEST_BULK};
use crate::commands::scan::{ScanParts, parse_cursor};
use crate::commands::{Error, Flow, Outcome};
use crate::config::Class;
use crate::node::Cx;
use crate::observer::Observer;
use crate::protocol::{Frame, Reply};
use crate::types::{Set, SetMember, SetView, Structure as _};
use alloc::vec::Vec;

impl<'a> Pool for SetView<'a> {
    type Part = SetMember<'a>;

    fn len(&self) -> usize {
        SetView::len(self)
    }

    fn nth(&self, at: usize) -> Option<SetMember<'a>> {
        SetView::nth(self, at)
    }

    fn iter(&self) -> impl Iterator<Item = SetMember<'a>> {
        SetView::iter(self)
    }

    fn is_indexed(&self) -> bool {
        SetView::is_indexed(self)
    }
}

pub(super) fn srandmember<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let key = cx.args.at(1);
    let count = match cx.args.len() {
        2 => None,
        3 => Some(sampling::signed_count(&mut Words::new(cx.args.from(2)))?),
        _ => return Err(Error::Syntax),
    };
    let (set, random, out) = cx.read_with_random::<Set>(key)?;
    let Some(set) = set else {
        match count {
            Some(_) => out.array(0),
            None => out.null(),
        }
        return Ok(Flow::Done);
    };
    let Some(count) = count else {
        match sampling::draw(&set, random) {
            Some(member) => member.write(out),
            None => out.null(),
        }
        return Ok(Flow::Done);
    };
    let times = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
    if count < 0 {
        check_reply(times.saturating_mul(SHORTEST_BULK))?;
        let mark = out.len();
        out.array(times);
        return sampling::draw_again_and_again(&set, random, times, |member| {
            member.write(out);
            check_reply(out.len() - mark)
        })
        .map(|()| Flow::Done);
    }
    out.array(times.min(set.len()));
    sampling::sample(&set, random, times, &mut |member| member.write(out));
    Ok(Flow::Done)
}

pub(super) fn spop<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let key = cx.args.at(1);
    let count = match cx.args.get(2) {
        None => 1,
        Some(_) if cx.args.len() > 3 => return Err(Error::Syntax),
        Some(text) => usize::try_from(positive_or_out_of_range(text)?).unwrap_or(usize::MAX),
    };
    let alone = cx.args.len() == 2;
    let len = match cx.peek_as::<Set>(key)? {
        Some(set) => set.len(),
        None if alone => {
            cx.out().null();
            return Ok(Flow::Done);
        }
        None => 0,
    };
    if count == 0 || len == 0 {
        cx.out().set(0);
    } else if count >= len {
        pop_all(cx, key, alone)?;
    } else {
        pop_some(cx, key, count, alone)?;
    }
    Ok(Flow::Done)
}

/// Pops the whole set; in the answer a single member stands alone when asked for so.
fn pop_all<O: Observer>(cx: &mut Cx<'_, O>, key: &[u8], alone: bool) -> Result<(), Error> {
    let mut found = Reply::new(cx.resp());
    let set = cx.peek_as::<Set>(key)?;
    if !alone {
        found.set(set.map_or(0, |set| set.len()));
    }
    set.iter().flat_map(SetView::iter).for_each(|member| member.write(&mut found));
    cx.out().raw(found.bytes());
    cx.notify(Class::SET, "spop", key);
    cx.delete(key);
    cx.effect([&b"DEL"[..], key]);
    Ok(())
}

/// Members that one SREM in the stream of effects names.
const REMOVED_AT_ONCE: usize = 1 << 19;

fn pop_some<O: Observer>(
    cx: &mut Cx<'_, O>,
    key: &[u8],
    count: usize,
    alone: bool,
) -> Result<(), Error> {
    // The choice is made before the change, which is told nothing of the node.
    let mut random = cx.state.random.clone();
    let popped = cx.edit_as(key, |set: &mut Set| pop(set, count, &mut random))?.unwrap_or_default();
    cx.state.random = random;
    cx.shrank(key, Class::SET, "spop");
    let out = cx.out();
    if !alone {
        out.set(popped.args().len());
    }
    popped.args().iter().for_each(|member| out.bulk(member));
    let mut rest = popped.args();
    while !rest.is_empty() {
        let mut removal: Vec<&[u8]> = alloc::vec![b"SREM", key];
        removal.extend(rest.slice(0..REMOVED_AT_ONCE).iter());
        cx.effect(removal);
        rest = rest.from(REMOVED_AT_ONCE);
    }
    Ok(())
}

/// Takes fewer members than there are out of a set.
fn pop(set: &mut Set, count: usize, random: &mut crate::random::Random) -> Frame {
    let mut popped = Frame::default();
    let mut buffer = itoa::Buffer::new();
    let len = set.view().len();
    if set.view().is_large() {
        for _ in 0..count {
            let before = popped.args().len();
            if let Some(member) = sampling::draw(&set.view(), random) {
                popped.push(member.text(&mut buffer));
            }
            set.remove(popped.args().at(before));
        }
        return popped;
    }
    let chosen = sampling::distinct(len, count, random);
    for (at, member) in set.view().iter().enumerate() {
        if chosen.contains(at) {
            popped.push(member.text(&mut buffer));
        }
    }
    let mut places = 0..;
    set.remove_where(|| places.next().is_some_and(|at| chosen.contains(at)));
    popped
}

pub(super) fn sscan<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (key, options) = (cx.args.at(1), cx.args.from(3));
    let cursor = parse_cursor(cx.args.at(2))?;
    let mut found = Reply::new(cx.resp());
    let (set, out) = cx.read_as::<Set>(key)?;
    let (mut next, mut count) = (0, 0);
    if let Some(set) = set {
        // Without a set nobody looks at the options.
        let wanted = ScanParts::parse(options)?;
        if wanted.no_values {
            return Err(Error::Text("ERR NOVALUES option can only be used in HSCAN"));
        }
        if wanted.no_scores {
            return Err(Error::Text("ERR NOSCORES option can only be used in ZSCAN"));
        }
        next = set.scan(cursor, wanted.count(), &mut |member| {
            if wanted.fits(member.text(&mut itoa::Buffer::new())) {
                member.write(&mut found);
                count += 1;
            }
        });
    }
    out.array(2);
    out.bulk(itoa::Buffer::new().format(next).as_bytes());
    out.array(count);
    out.raw(found.bytes());
    Ok(Flow::Done)
}
