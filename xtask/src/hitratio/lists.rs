//! Doubly linked lists of numbered keys, of which each is in one list at most.

const NONE: u32 = u32::MAX;

/// So many lists over the same keys.
pub(super) struct Lists<const N: usize> {
    links: Vec<Link>,
    heads: [u32; N],
    tails: [u32; N],
    lens: [usize; N],
}

#[derive(Clone, Copy)]
struct Link {
    /// Towards the head.
    up: u32,
    /// Towards the tail.
    down: u32,
    list: u8,
}

impl<const N: usize> Lists<N> {
    pub(super) fn new(keys: usize) -> Self {
        let link = Link { up: NONE, down: NONE, list: u8::MAX };
        Lists { links: vec![link; keys], heads: [NONE; N], tails: [NONE; N], lens: [0; N] }
    }

    pub(super) fn len(&self, list: usize) -> usize {
        self.lens[list]
    }

    /// The list that a key is in.
    pub(super) fn of(&self, key: u32) -> Option<usize> {
        let list = self.links[key as usize].list;
        (list != u8::MAX).then_some(usize::from(list))
    }

    pub(super) fn tail(&self, list: usize) -> Option<u32> {
        (self.tails[list] != NONE).then_some(self.tails[list])
    }

    /// The neighbour towards the head.
    pub(super) fn above(&self, key: u32) -> Option<u32> {
        let up = self.links[key as usize].up;
        (up != NONE).then_some(up)
    }

    /// Puts a key at the head of a list, out of where it was.
    pub(super) fn push(&mut self, list: usize, key: u32) {
        self.remove(key);
        let head = self.heads[list];
        self.links[key as usize] = Link { up: NONE, down: head, list: list as u8 };
        match head {
            NONE => self.tails[list] = key,
            head => self.links[head as usize].up = key,
        }
        self.heads[list] = key;
        self.lens[list] += 1;
    }

    pub(super) fn pop(&mut self, list: usize) -> Option<u32> {
        let key = self.tail(list)?;
        self.remove(key);
        Some(key)
    }

    /// Takes a key out of its list; gives whether it was in one.
    pub(super) fn remove(&mut self, key: u32) -> bool {
        let Some(list) = self.of(key) else { return false };
        let Link { up, down, .. } = self.links[key as usize];
        match up {
            NONE => self.heads[list] = down,
            up => self.links[up as usize].down = down,
        }
        match down {
            NONE => self.tails[list] = up,
            down => self.links[down as usize].up = up,
        }
        self.links[key as usize].list = u8::MAX;
        self.lens[list] -= 1;
        true
    }
}
