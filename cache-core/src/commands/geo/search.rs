//! Members in an area.

use super::cell::Place;
use super::points::write_place;
use super::shape::{Area, Shape};
use super::{distance_text, read_place, unit};
use crate::commands::arguments::{Words, integer, try_float};
use crate::commands::sorted_sets::{limits, store};
use crate::commands::{Error, Flow, Outcome, shown};
use crate::node::Cx;
use crate::numbers::parse_i64;
use crate::observer::Observer;
use crate::protocol::{Args, Reply};
use crate::types::{Edge, SortedSet, SortedSetView, Value};
use alloc::vec::Vec;

/// What a command of this family has in its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// A circle around a place; with or without ways to store the result.
    Radius { stores: bool },
    /// A circle around a member.
    RadiusByMember { stores: bool },
    Search,
    SearchStore,
}

impl Form {
    fn is_search(self) -> bool {
        matches!(self, Form::Search | Form::SearchStore)
    }

    fn has_store_option(self) -> bool {
        matches!(self, Form::Radius { stores: true } | Form::RadiusByMember { stores: true })
    }
}

/// From where a circle or a box is measured.
#[derive(Clone, Copy, Debug)]
enum Center {
    At(Place),
    /// A member of a set that isn't there.
    Unknown,
}

/// What is searched, as far as it was said. Lengths are metres.
#[derive(Clone, Debug)]
enum Asked {
    Radius(f64),
    Box(f64, f64),
    Polygon(Vec<Place>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    Ascending,
    Descending,
}

/// What a command was asked for.
#[derive(Clone, Debug)]
struct Wanted<'a> {
    center: Option<Center>,
    /// Whether that was said by a member: the other way can't follow, the same again can.
    by_member: Option<bool>,
    asked: Option<Asked>,
    unit: f64,
    with_distance: bool,
    with_hash: bool,
    with_place: bool,
    any: bool,
    sort: Option<Sort>,
    /// The most members.
    count: Option<u64>,
    target: Option<&'a [u8]>,
    store_distance: bool,
}

/// A member that was found.
#[derive(Clone, Copy, Debug)]
struct Point<'a> {
    member: &'a [u8],
    score: f64,
    place: Place,
    /// Metres.
    distance: f64,
}

/// Gives a member's place, if the set is there; an error if the set hasn't the member.
type Find<'f> = &'f dyn Fn(&[u8]) -> Result<Center, Error>;

impl<'a> Wanted<'a> {
    fn parse(args: Args<'a>, form: Form, find: Find<'_>) -> Result<Self, Error> {
        let mut wanted = Wanted {
            center: None,
            by_member: None,
            asked: None,
            unit: 1.0,
            with_distance: false,
            with_hash: false,
            with_place: false,
            any: false,
            sort: None,
            count: None,
            target: None,
            store_distance: false,
        };
        let mut words = Words::new(args.from(2));
        match form {
            Form::Radius { .. } => {
                wanted.center = Some(Center::At(read_place(words.bytes()?, words.bytes()?)?));
                wanted.read_radius(&mut words)?;
            }
            Form::RadiusByMember { .. } => match find(words.bytes()?)? {
                // Nobody looks at the radius then.
                Center::Unknown => {
                    words.several(2)?;
                }
                center => {
                    wanted.center = Some(center);
                    wanted.read_radius(&mut words)?;
                }
            },
            Form::Search => {}
            Form::SearchStore => {
                wanted.target = args.get(1);
                words = Words::new(args.from(3));
            }
        }
        while words.left() > 0 {
            let known = wanted.parse_output(&mut words)?
                || form.has_store_option() && wanted.parse_target(&mut words)
                || form.is_search() && wanted.parse_area(&mut words, form, find)?;
            if !known {
                return Err(Error::Syntax);
            }
        }
        wanted.check(args.at(0), form)?;
        Ok(wanted)
    }

    fn parse_output(&mut self, words: &mut Words<'a>) -> Result<bool, Error> {
        if words.is("withdist") {
            self.with_distance = true;
        } else if words.is("withhash") {
            self.with_hash = true;
        } else if words.is("withcoord") {
            self.with_place = true;
        } else if words.is("any") {
            self.any = true;
        } else if words.is("asc") {
            self.sort = Some(Sort::Ascending);
        } else if words.is("desc") {
            self.sort = Some(Sort::Descending);
        } else if words.left() >= 2 && words.is("count") {
            let count = u64::try_from(integer(words.bytes()?)?).ok().filter(|&count| count > 0);
            self.count = Some(count.ok_or(Error::Text("ERR COUNT must be > 0"))?);
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    fn parse_target(&mut self, words: &mut Words<'a>) -> bool {
        for (word, distances) in [("store", false), ("storedist", true)] {
            if words.left() >= 2 && words.is(word) {
                self.target = words.take();
                self.store_distance = distances;
                return true;
            }
        }
        false
    }

    /// GEOSEARCH's own options.
    fn parse_area(
        &mut self,
        words: &mut Words<'a>,
        form: Form,
        find: Find<'_>,
    ) -> Result<bool, Error> {
        let (left, none) = (words.left(), self.asked.is_none());
        let is_polygon = matches!(self.asked, Some(Asked::Polygon(_)));
        let is_box = matches!(self.asked, Some(Asked::Box(..)));
        let is_circle = matches!(self.asked, Some(Asked::Radius(_)));
        if form == Form::SearchStore && words.is("storedist") {
            self.store_distance = true;
        } else if left >= 2
            && !is_polygon
            && self.by_member != Some(false)
            && words.is("frommember")
        {
            self.by_member = Some(true);
            self.center = Some(find(words.bytes()?)?);
        } else if left >= 3
            && !is_polygon
            && self.by_member != Some(true)
            && words.is("fromlonlat")
        {
            self.by_member = Some(false);
            self.center = Some(Center::At(read_place(words.bytes()?, words.bytes()?)?));
        } else if left >= 3 && (none || is_circle) && words.is("byradius") {
            self.read_radius(words)?;
        } else if left >= 4 && (none || is_box) && words.is("bybox") {
            self.read_box(words)?;
        } else if left >= 3
            && (none || is_polygon)
            && self.center.is_none()
            && words.is("bypolygon")
        {
            self.read_polygon(words)?;
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    fn read_radius(&mut self, words: &mut Words<'a>) -> Result<(), Error> {
        let number = try_float(words.bytes()?);
        let radius = number.ok_or(Error::Text("ERR need numeric radius"))?;
        if radius < 0.0 {
            return Err(Error::Text("ERR radius cannot be negative"));
        }
        self.unit = unit(words.bytes()?)?;
        self.asked = Some(Asked::Radius(radius * self.unit));
        Ok(())
    }

    fn read_box(&mut self, words: &mut Words<'a>) -> Result<(), Error> {
        let width = try_float(words.bytes()?).ok_or(Error::Text("ERR need numeric width"))?;
        let height = try_float(words.bytes()?).ok_or(Error::Text("ERR need numeric height"))?;
        if width < 0.0 || height < 0.0 {
            return Err(Error::Text("ERR height or width cannot be negative"));
        }
        self.unit = unit(words.bytes()?)?;
        self.asked = Some(Asked::Box(width * self.unit, height * self.unit));
        Ok(())
    }

    fn read_polygon(&mut self, words: &mut Words<'a>) -> Result<(), Error> {
        let count = parse_i64(words.bytes()?).and_then(|count| i32::try_from(count).ok());
        let count = count.ok_or(Error::Text("ERR invalid number of vertices"))?;
        let count = usize::try_from(count).unwrap_or(0);
        if count < 3 || words.left() / 2 < count {
            return Err(Error::Text("ERR GEOSEARCH BYPOLYGON must have at least 3 vertices"));
        }
        let corners = words.several(2 * count)?;
        let corner = |at| read_place(corners.at(at), corners.at(at + 1));
        let corners = (0..2 * count).step_by(2).map(corner).collect::<Result<_, _>>()?;
        self.unit = 1.0;
        self.asked = Some(Asked::Polygon(corners));
        Ok(())
    }

    /// What doesn't go together.
    fn check(&self, name: &[u8], form: Form) -> Result<(), Error> {
        if self.target.is_some() && (self.with_distance || self.with_hash || self.with_place) {
            return Err(Error::Text(match form {
                Form::SearchStore => {
                    "ERR GEOSEARCHSTORE is not compatible with WITHDIST, WITHHASH and WITHCOORD \
                    options"
                }
                _ => {
                    "ERR STORE option in GEORADIUS is not compatible with WITHDIST, WITHHASH and \
                    WITHCOORD options"
                }
            }));
        }
        let is_polygon = matches!(self.asked, Some(Asked::Polygon(_)));
        let said_once = |what| {
            let name = shown(name);
            Err(Error::Owned(alloc::format!("ERR exactly one of {what} can be specified for \
            {name}")))
        };
        if form.is_search() && self.center.is_none() && !is_polygon {
            return said_once("FROMMEMBER or FROMLONLAT");
        }
        if form.is_search() && self.asked.is_none() {
            return said_once("BYRADIUS, BYBOX and BYPOLYGON");
        }
        if self.any && self.count.is_none() {
            return Err(Error::Text("ERR the ANY argument requires COUNT argument"));
        }
        Ok(())
    }

    /// The area, if it is known where it is.
    fn area(&self) -> Option<Area> {
        let center = match self.center {
            Some(Center::At(place)) => Some(place),
            _ => None,
        };
        Some(Area::new(match self.asked.clone()? {
            Asked::Radius(radius) => Shape::Circle { center: center?, radius },
            Asked::Box(width, height) => Shape::Box { center: center?, width, height },
            Asked::Polygon(corners) => Shape::Polygon { corners },
        }))
    }

    /// The members that are wanted, in the order in which they are.
    fn search<'s>(&self, set: SortedSetView<'s>) -> Vec<Point<'s>> {
        let Some(area) = self.area() else { return Vec::new() };
        let most = self.count.map_or(usize::MAX, |count| count as usize);
        let mut points = find_in(set, &area, if self.any { most } else { usize::MAX });
        // The nearest ones, unless any will do.
        let nearest = (self.count.is_some() && !self.any).then_some(Sort::Ascending);
        match self.sort.or(nearest) {
            Some(Sort::Ascending) => points.sort_by(|a, b| a.distance.total_cmp(&b.distance)),
            Some(Sort::Descending) => points.sort_by(|a, b| b.distance.total_cmp(&a.distance)),
            None => {}
        }
        points.truncate(most);
        points
    }

    fn write(&self, out: &mut Reply, points: &[Point<'_>]) {
        let parts = [self.with_distance, self.with_hash, self.with_place];
        let parts = parts.into_iter().filter(|part| *part).count();
        out.array(points.len());
        for point in points {
            if parts > 0 {
                out.array(parts + 1);
            }
            out.bulk(point.member);
            if self.with_distance {
                out.bulk(distance_text(point.distance, self.unit).as_bytes());
            }
            if self.with_hash {
                out.integer(point.score as i64);
            }
            if self.with_place {
                write_place(out, point.place);
            }
        }
    }
}

/// Members that are looked at before it is asked whether there are enough.
const BATCH: u64 = 256;

/// Members in an area, cell by cell, until there are so many.
fn find_in<'a>(set: SortedSetView<'a>, area: &Area, most: usize) -> Vec<Point<'a>> {
    let mut points = Vec::new();
    for cell in area.cells() {
        let (low, high) = cell.scores();
        let mut ranks = set.rank(Edge::BeforeScore(low))..set.rank(Edge::BeforeScore(high));
        while ranks.start < ranks.end && points.len() < most {
            let end = ranks.end.min(ranks.start + BATCH);
            set.each(ranks.start..end, false, &mut |member, score| {
                let place = Place::of_score(score);
                if points.len() < most
                    && let Some(distance) = area.reach(place)
                {
                    points.push(Point { member, score, place, distance });
                }
            });
            ranks.start = end;
        }
    }
    points
}

fn run<O: Observer>(cx: &mut Cx<'_, O>, form: Form) -> Outcome {
    let (args, db) = (cx.args, cx.db());
    let key = args.at(if form == Form::SearchStore { 2 } else { 1 });
    let there = cx.read_as::<SortedSet>(key)?.0.is_some();
    let entry = cx.state.keyspace.get(db, key).filter(|_| there);
    let set = match entry.map(|entry| entry.value()) {
        Some(Value::SortedSet(set)) => Some(set),
        _ => None,
    };
    let wanted = Wanted::parse(args, form, &|member| match set {
        None => Ok(Center::Unknown),
        Some(set) => (set.score(member))
            .map(|score| Center::At(Place::of_score(score)))
            .ok_or_else(|| Error::Owned(alloc::format!("ERR member {} does not exist",
            shown(member)))),
    })?;
    let points = set.map(|set| wanted.search(set)).unwrap_or_default();
    let Some(target) = wanted.target else {
        wanted.write(&mut cx.conn.out.reply, &points);
        return Ok(Flow::Done);
    };
    let score = |point: &Point<'_>| {
        if wanted.store_distance { point.distance / wanted.unit } else { point.score }
    };
    let entries = points.iter().map(|point| (point.member, score(point)));
    let stored = SortedSet::of(entries, limits(cx), cx.state.hash_seed);
    let event = if form.is_search() { "geosearchstore" } else { "georadiusstore" };
    store(cx, target, stored, event)
}

pub(super) fn georadius<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    run(cx, Form::Radius { stores: true })
}

pub(super) fn georadius_ro<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    run(cx, Form::Radius { stores: false })
}

pub(super) fn georadiusbymember<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    run(cx, Form::RadiusByMember { stores: true })
}

pub(super) fn georadiusbymember_ro<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    run(cx, Form::RadiusByMember { stores: false })
}

pub(super) fn geosearch<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    run(cx, Form::Search)
}

pub(super) fn geosearchstore<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    run(cx, Form::SearchStore)
}
