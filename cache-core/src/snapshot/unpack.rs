//! Making values of their packed forms.

use super::builder::{Making, add_field, add_member, add_score, empty, number};
use super::input::Read;
use super::kind;
use super::packed::{Form, Item, Items};
use crate::keyspace::fields::Field;
use crate::types::{Data, End, List, Structure};

/// Makes a value of its packed form.
pub(super) fn unpack(code: u8, bytes: &[u8], making: &Making<'_>) -> Read<Data> {
    use kind::*;
    let form = match code {
        HASH_ZIPMAP => Form::Zipmap,
        LIST_ZIPLIST | SORTED_SET_ZIPLIST | HASH_ZIPLIST => Form::Ziplist,
        SET_INTSET => Form::Intset,
        _ => Form::Listpack,
    };
    let mut items = Items::open(form, bytes)?;
    let (mut digits, mut others) = (itoa::Buffer::new(), itoa::Buffer::new());
    let count = items.told().unwrap_or(0);
    match code {
        LIST_ZIPLIST => {
            let mut list = List::new(making.seed);
            push_all(&mut list, items)?;
            Ok(Data::List(list))
        }
        SET_INTSET | SET_LISTPACK => {
            let mut data = empty(SET, count, making);
            while let Some(item) = items.next()? {
                let Data::Set(set) = &mut data else { break };
                add_member(set, item.text(&mut digits), making)?;
            }
            Ok(data)
        }
        SORTED_SET_ZIPLIST | SORTED_SET_LISTPACK => {
            let mut data = empty(SORTED_SET, count / 2, making);
            while let Some(member) = items.next()? {
                let score = match items.must()? {
                    Item::Integer(score) => score as f64,
                    Item::Text(score) => number(score)?,
                };
                let Data::SortedSet(set) = &mut data else { break };
                add_score(set, member.text(&mut digits), score, making)?;
            }
            Ok(data)
        }
        _ => {
            let expires = matches!(code, HASH_LISTPACK_EXPIRING | HASH_LISTPACK_EXPIRING_EARLY);
            let mut data = empty(HASH, count / if expires { 3 } else { 2 }, making);
            while let Some(name) = items.next()? {
                let value = items.must()?;
                let ttl = if expires { items.integer()? } else { 0 };
                let expires_ms = u64::try_from(ttl).ok().filter(|&ttl| ttl > 0);
                let (name, value) = (name.text(&mut digits), value.text(&mut others));
                let Data::Hash(hash) = &mut data else { break };
                add_field(hash, Field { name, value, expires_ms }, making)?;
            }
            Ok(data)
        }
    }
}

/// Appends all entries to a list.
pub(super) fn push_all(list: &mut List, mut items: Items<'_>) -> Read<()> {
    let mut digits = itoa::Buffer::new();
    while let Some(item) = items.next()? {
        list.push(End::Last, item.text(&mut digits));
    }
    Ok(())
}
