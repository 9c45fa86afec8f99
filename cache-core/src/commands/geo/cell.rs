//! Geohashes: the earth cut into cells by halving longitudes and latitudes in turn.
//!
//! Source: Niemeyer's geohash, as Redis uses it: the latitudes are those of the Mercator maps, and a
//! place that is stored is a cell of 26 halvings each way, 52 bits that a float holds exactly.

/// Degrees.
pub(super) const LON_MAX: f64 = 180.0;
/// Degrees: as far as the maps go.
pub(super) const LAT_MAX: f64 = 85.05112878;
/// Degrees: as far as standard geohashes go.
pub(super) const STANDARD_LAT_MAX: f64 = 90.0;
/// How often a place that is stored is halved.
pub(super) const STEPS: u8 = 26;

/// Degrees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Place {
    pub(super) lon: f64,
    pub(super) lat: f64,
}

impl Place {
    /// The middle of the cell that a score stands for.
    pub(super) fn of_score(score: f64) -> Self {
        // A score below zero is no place; read so, it is the one that Valkey takes it for.
        let bits = score as i64 as u64;
        let cell = Cell { lon: gather(bits >> 1), lat: gather(bits), steps: STEPS };
        let (low, high) = cell.corners();
        Place {
            lon: f64::midpoint(low.lon, high.lon).clamp(-LON_MAX, LON_MAX),
            lat: f64::midpoint(low.lat, high.lat).clamp(-LAT_MAX, LAT_MAX),
        }
    }

    /// The score that stands for it.
    pub(super) fn score(self) -> f64 {
        Cell::at(self, STEPS, LAT_MAX).bits() as f64
    }
}

/// A cell: which one from the west and which one from the south.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cell {
    lon: u32,
    lat: u32,
    /// How often each is halved: 1 to 26.
    steps: u8,
}

impl Cell {
    /// The one in which a place is.
    pub(super) fn at(place: Place, steps: u8, lat_max: f64) -> Self {
        let cells = (1u64 << steps) as f64;
        let part = |degrees: f64, max: f64| ((degrees + max) / (max + max) * cells) as u32;
        Cell { lon: part(place.lon, LON_MAX), lat: part(place.lat, lat_max), steps }
    }

    /// Its number: the bits of both in turn, a longitude's before a latitude's.
    pub(super) fn bits(self) -> u64 {
        spread(self.lon) << 1 | spread(self.lat)
    }

    /// The scores of all places in it: from the first to before the second.
    pub(super) fn scores(self) -> (f64, f64) {
        let unused = 2 * u32::from(STEPS.saturating_sub(self.steps));
        ((self.bits() << unused) as f64, ((self.bits() + 1) << unused) as f64)
    }

    /// Its south-western and its north-eastern corner.
    pub(super) fn corners(self) -> (Place, Place) {
        let cells = (1u64 << self.steps) as f64;
        let degrees = |at: u32, more: f64, max: f64| {
            -max + (f64::from(at) + more) / cells * (max + max)
        };
        let corner = |more| Place {
            lon: degrees(self.lon, more, LON_MAX),
            lat: degrees(self.lat, more, LAT_MAX),
        };
        (corner(0.0), corner(1.0))
    }

    /// The one so many to the east and to the north, round the earth.
    pub(super) fn neighbour(self, east: i8, north: i8) -> Self {
        let last = ((1u64 << self.steps) - 1) as u32;
        Cell {
            lon: self.lon.wrapping_add_signed(east.into()) & last,
            lat: self.lat.wrapping_add_signed(north.into()) & last,
            ..self
        }
    }
}

/// The bits of a number with room between them.
fn spread(number: u32) -> u64 {
    const MASKS: [(u32, u64); 5] = [
        (16, 0x0000_ffff_0000_ffff),
        (8, 0x00ff_00ff_00ff_00ff),
        (4, 0x0f0f_0f0f_0f0f_0f0f),
        (2, 0x3333_3333_3333_3333),
        (1, 0x5555_5555_5555_5555),
    ];
    MASKS.iter().fold(number.into(), |bits, (shift, mask)| (bits | bits << shift) & mask)
}

/// Every other bit of a number, the lowest one first.
fn gather(bits: u64) -> u32 {
    (0..32).fold(0, |number, at| number | ((bits >> (2 * at) & 1) as u32) << at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_score_and_back() {
        let palermo = Place { lon: 13.361389, lat: 38.115556 };
        assert_eq!(palermo.score(), 3479099956230698.0);
        let back = Place::of_score(palermo.score());
        assert_eq!(back, Place { lon: 13.361389338970184, lat: 38.1155563954963 });
        assert_eq!(back.score(), palermo.score());
        for score in [-1.0, f64::MAX, f64::INFINITY, 0.5] {
            let place = Place::of_score(score);
            assert!(place.lon.abs() <= LON_MAX && place.lat.abs() <= LAT_MAX);
        }
    }

    #[test]
    fn neighbours_go_round_the_earth() {
        let cell = Cell::at(Place { lon: 179.9, lat: -85.0 }, 3, LAT_MAX);
        assert_eq!(cell, Cell { lon: 7, lat: 0, steps: 3 });
        assert_eq!(cell.neighbour(1, -1), Cell { lon: 0, lat: 7, steps: 3 });
        assert_eq!(gather(spread(0xdead_beef)), 0xdead_beef);
    }
}
