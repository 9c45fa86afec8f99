//! Places on the earth: members of sorted sets, whose scores are geohashes of 52 bits.

mod cell;
mod points;
mod search;
mod shape;

use super::spec::{Begin, Find};
use super::{Categories, Error, Flags, Group, KeyFlags, KeySpec, Spec};
use crate::commands::arguments::{float, is_word};
use crate::numbers::format_fixed as fixed;
use cell::{LAT_MAX, LON_MAX, Place};

/// The key behind a word, to which a result is stored.
const fn stores(word: &'static str, from: i16) -> KeySpec {
    KeySpec {
        begin: Begin::Keyword(word, from),
        find: Find::Range { last: 0, step: 1, limit: 0 },
        flags: bits!(KeyFlags: OW | UPDATE | VARIABLE_FLAGS),
        notes: "",
    }
}

rows! {
    points::geoadd: Spec::new("geoadd", -5, bits!(Flags: WRITE | DENYOOM), Group::Geo)
    .acl(Categories::GEO)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RW | UPDATE))])
    .docs(
        "3.2.0",
        "O(log(N)) a member",
        "key [NX | XX] [CH] longitude latitude member [longitude latitude member ...]",
        "Adds members at places, or moves them.",
    ),
    points::geodist: Spec::new("geodist", -4, Flags::READONLY, Group::Geo)
    .acl(Categories::GEO)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RO | ACCESS))])
    .docs(
        "3.2.0",
        "O(1)",
        "key member1 member2 [M | KM | FT | MI]",
        "How far two members are from each other.",
    ),
    points::geohash: Spec::new("geohash", -2, Flags::READONLY, Group::Geo)
    .acl(Categories::GEO)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RO | ACCESS))])
    .docs(
        "3.2.0",
        "O(1) a member",
        "key [member [member ...]]",
        "Members' places as standard geohashes of eleven letters.",
    ),
    points::geopos: Spec::new("geopos", -2, Flags::READONLY, Group::Geo)
    .acl(Categories::GEO)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RO | ACCESS))])
    .docs(
        "3.2.0",
        "O(1) a member",
        "key [member [member ...]]",
        "Members' longitudes and latitudes.",
    ),
    search::georadius: Spec::new("georadius", -6, bits!(Flags: WRITE | DENYOOM | MOVABLEKEYS),
    Group::Geo)
    .acl(Categories::GEO)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RO | ACCESS)), stores("STORE", 6),
    stores("STOREDIST", 6)])
    .docs(
        "3.2.0",
        "O(N + M*log(M)) for N members in the cells around the area and M inside it",
        "key longitude latitude radius <M | KM | FT | MI> [WITHCOORD] [WITHDIST] [WITHHASH] \
        [COUNT count [ANY]] [ASC | DESC] [STORE key | STOREDIST key]",
        "Members in a circle, to be answered or stored: GEOSEARCH's older form.",
    ),
    search::georadius_ro: Spec::new("georadius_ro", -6, Flags::READONLY, Group::Geo)
    .acl(Categories::GEO)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RO | ACCESS))])
    .docs(
        "3.2.10",
        "O(N + M*log(M)) for N members in the cells around the area and M inside it",
        "key longitude latitude radius <M | KM | FT | MI> [WITHCOORD] [WITHDIST] [WITHHASH] \
        [COUNT count [ANY]] [ASC | DESC]",
        "Members in a circle.",
    ),
    search::georadiusbymember: Spec::new("georadiusbymember", -5, bits!(Flags: WRITE | DENYOOM |
    MOVABLEKEYS), Group::Geo)
    .acl(Categories::GEO)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RO | ACCESS)), stores("STORE", 5),
    stores("STOREDIST", 5)])
    .docs(
        "3.2.0",
        "O(N + M*log(M)) for N members in the cells around the area and M inside it",
        "key member radius <M | KM | FT | MI> [WITHCOORD] [WITHDIST] [WITHHASH] [COUNT count \
        [ANY]] [ASC | DESC] [STORE key | STOREDIST key]",
        "Members in a circle around one of them, to be answered or stored: GEOSEARCH's older form.",
    ),
    search::georadiusbymember_ro: Spec::new("georadiusbymember_ro", -5, Flags::READONLY, Group::Geo)
    .acl(Categories::GEO)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RO | ACCESS))])
    .docs(
        "3.2.10",
        "O(N + M*log(M)) for N members in the cells around the area and M inside it",
        "key member radius <M | KM | FT | MI> [WITHCOORD] [WITHDIST] [WITHHASH] [COUNT count \
        [ANY]] [ASC | DESC]",
        "Members in a circle around one of them.",
    ),
    search::geosearch: Spec::new("geosearch", -7, Flags::READONLY, Group::Geo)
    .acl(Categories::GEO)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RO | ACCESS))])
    .docs(
        "6.2.0",
        "O(N + M*log(M)) for N members in the cells around the area and M inside it",
        "key [FROMMEMBER member | FROMLONLAT longitude latitude] <BYRADIUS radius <M | KM | FT | \
        MI> | BYBOX width height <M | KM | FT | MI> | BYPOLYGON num-vertices longitude latitude \
        [longitude latitude ...]> [ASC | DESC] [COUNT count [ANY]] [WITHCOORD] [WITHDIST] \
        [WITHHASH]",
        "Members in a circle, a box or a polygon.",
    ),
    search::geosearchstore: Spec::new("geosearchstore", -8, bits!(Flags: WRITE | DENYOOM),
    Group::Geo)
    .acl(Categories::GEO)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: OW | UPDATE)), KeySpec::one(2, bits!(KeyFlags: RO | ACCESS))])
    .docs(
        "6.2.0",
        "O(N + M*log(M)) for N members in the cells around the area and M inside it",
        "destination source [FROMMEMBER member | FROMLONLAT longitude latitude] <BYRADIUS radius \
        <M | KM | FT | MI> | BYBOX width height <M | KM | FT | MI> | BYPOLYGON num-vertices \
        longitude latitude [longitude latitude ...]> [ASC | DESC] [COUNT count [ANY]] [STOREDIST]",
        "Stores the members in a circle, a box or a polygon.",
    ),
}

/// A longitude and a latitude.
fn read_place(lon: &[u8], lat: &[u8]) -> Result<Place, Error> {
    let (lon, lat) = (float(lon)?, float(lat)?);
    if lon.abs() > LON_MAX || lat.abs() > LAT_MAX {
        let text = |n: f64| if n.is_finite() { fixed(n, 6) } else { alloc::format!("{n}") };
        return Err(Error::Owned(alloc::format!(
            "ERR invalid longitude,latitude pair {},{}",
            text(lon),
            text(lat)
        )));
    }
    Ok(Place { lon, lat })
}

/// How many metres a unit is.
fn unit(word: &[u8]) -> Result<f64, Error> {
    [("m", 1.0), ("km", 1000.0), ("ft", 0.3048), ("mi", 1609.34)]
        .into_iter()
        .find(|(name, _)| is_word(word, name))
        .map(|(_, metres)| metres)
        .ok_or(Error::Text("ERR unsupported unit provided. please use M, KM, FT, MI"))
}

/// A distance as it is answered.
fn distance_text(metres: f64, unit: f64) -> alloc::string::String {
    let tenths = libm::rint(metres / unit * 1e4);
    fixed(tenths / 1e4, 4)
}
