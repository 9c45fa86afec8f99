//! What is searched: circles, boxes, polygons, and the cells that cover them.

use super::cell::{Cell, LAT_MAX, LON_MAX, Place};
use alloc::vec::Vec;

/// Metres: a mean radius, as Redis has it.
const EARTH_RADIUS: f64 = 6372797.560856;
/// Metres: half of a Mercator map's width.
const MERCATOR_MAX: f64 = 20037726.37;
/// Two longitudes whose half-way sines differ by less are the same: some nanometres on the ground.
const SAME: f64 = 1e-15;

fn radians(degrees: f64) -> f64 {
    degrees * (core::f64::consts::PI / 180.0)
}

fn degrees(radians: f64) -> f64 {
    radians / (core::f64::consts::PI / 180.0)
}

/// Metres between two latitudes.
fn lat_distance(a: f64, b: f64) -> f64 {
    EARTH_RADIUS * (radians(b) - radians(a)).abs()
}

/// Metres between two places on a sphere, by the haversine formula.
pub(super) fn distance(a: Place, b: Place) -> f64 {
    let v = libm::sin((radians(b.lon) - radians(a.lon)) / 2.0);
    if v.abs() <= SAME {
        return lat_distance(a.lat, b.lat);
    }
    let (lat_a, lat_b) = (radians(a.lat), radians(b.lat));
    let u = libm::sin((lat_b - lat_a) / 2.0);
    let square = u * u + libm::cos(lat_a) * libm::cos(lat_b) * v * v;
    2.0 * EARTH_RADIUS * libm::asin(libm::sqrt(square))
}

/// An area on the earth. Lengths are metres.
#[derive(Clone, Debug)]
pub(super) enum Shape {
    Circle { center: Place, radius: f64 },
    Box { center: Place, width: f64, height: f64 },
    Polygon { corners: Vec<Place> },
}

/// An area made ready to be searched.
#[derive(Clone, Debug)]
pub(super) struct Area {
    shape: Shape,
    center: Place,
    /// Its south-western and its north-eastern corner.
    bounds: (Place, Place),
    /// Metres from its center within which all of it lies.
    reach: f64,
}

impl Area {
    pub(super) fn new(shape: Shape) -> Self {
        let (center, bounds, reach) = match &shape {
            Shape::Circle { center, radius } => {
                (*center, bounds_around(*center, *radius, *radius), *radius)
            }
            Shape::Box { center, width, height } => {
                let (east, north) = (width / 2.0, height / 2.0);
                let reach = libm::sqrt(east * east + north * north);
                (*center, bounds_around(*center, east, north), reach)
            }
            Shape::Polygon { corners } => {
                let (low, high) = bounds_of(corners);
                let center = middle_of(corners);
                let at = |lon, lat| distance(center, Place { lon, lat });
                let west = at(low.lon, high.lat).max(at(low.lon, low.lat));
                let east = at(high.lon, high.lat).max(at(high.lon, low.lat));
                (center, (low, high), west.max(east))
            }
        };
        Area { shape, center, bounds, reach }
    }

    /// How far a place is from the center, if it lies in the area.
    pub(super) fn reach(&self, place: Place) -> Option<f64> {
        let inside = match &self.shape {
            Shape::Circle { radius, .. } => {
                return Some(distance(self.center, place)).filter(|distance| distance <= radius);
            }
            Shape::Box { center, width, height } => {
                lat_distance(place.lat, center.lat) <= height / 2.0
                    && distance(place, Place { lon: center.lon, ..place }) <= width / 2.0
            }
            Shape::Polygon { corners } => is_inside(corners, place),
        };
        inside.then(|| distance(self.center, place))
    }

    /// Cells that cover the area, the one in its middle first.
    pub(super) fn cells(&self) -> Vec<Cell> {
        let (low, high) = self.bounds;
        let mut steps = steps_for(self.reach, self.center.lat);
        let mut middle = Cell::at(self.center, steps, LAT_MAX);
        let corners = |east, north| middle.neighbour(east, north).corners();
        // Where the center lies near its cell's edge, the cells around may be too small.
        let too_small = corners(0, 1).1.lat < high.lat
            || corners(0, -1).0.lat > low.lat
            || corners(1, 0).1.lon < high.lon
            || corners(-1, 0).0.lon > low.lon;
        if steps > 1 && too_small {
            steps -= 1;
            middle = Cell::at(self.center, steps, LAT_MAX);
        }
        let (own_low, own_high) = middle.corners();
        let is_needed = |east: i8, north: i8| {
            steps < 2
                || !(north < 0 && own_low.lat < low.lat
                    || north > 0 && own_high.lat > high.lat
                    || east < 0 && own_low.lon < low.lon
                    || east > 0 && own_high.lon > high.lon)
        };
        // In this order members are answered that nobody wants sorted.
        let around =
            [(0, 0), (0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (-1, 1), (1, -1), (-1, -1)];
        let needed = around.into_iter().filter(|&(east, north)| is_needed(east, north));
        let mut cells: Vec<_> = needed.map(|(east, north)| middle.neighbour(east, north)).collect();
        // Of few large cells some are each other's neighbours on both sides.
        cells.dedup();
        cells
    }
}

/// The box that goes so many metres to each side of a place.
fn bounds_around(center: Place, east: f64, north: f64) -> (Place, Place) {
    let lat = degrees(north / EARTH_RADIUS);
    let lon_at = |lat: f64| degrees(east / EARTH_RADIUS / libm::cos(radians(lat)));
    // The degrees are shortest at the side that is nearer to the pole.
    let lon = lon_at(if center.lat < 0.0 { center.lat - lat } else { center.lat + lat });
    let corner = |sign: f64| Place { lon: center.lon + sign * lon, lat: center.lat + sign * lat };
    (corner(-1.0), corner(1.0))
}

fn bounds_of(corners: &[Place]) -> (Place, Place) {
    let start = Place { lon: LON_MAX, lat: LAT_MAX };
    let low = corners.iter().fold(start, |low, corner| Place {
        lon: low.lon.min(corner.lon),
        lat: low.lat.min(corner.lat),
    });
    let start = Place { lon: -LON_MAX, lat: -LAT_MAX };
    let high = corners.iter().fold(start, |high, corner| Place {
        lon: high.lon.max(corner.lon),
        lat: high.lat.max(corner.lat),
    });
    (low, high)
}

/// Where the sum of the directions of all corners, from the middle of the earth, leaves it.
fn middle_of(corners: &[Place]) -> Place {
    let (mut x, mut y, mut z) = (0.0, 0.0, 0.0);
    for corner in corners {
        let (lon, lat) = (radians(corner.lon), radians(corner.lat));
        x += libm::cos(lat) * libm::cos(lon);
        y += libm::cos(lat) * libm::sin(lon);
        z += libm::sin(lat);
    }
    let lat = libm::atan2(z, libm::sqrt(x * x + y * y));
    Place { lon: degrees(libm::atan2(y, x)), lat: degrees(lat) }
}

/// Whether a ray from a place to the east crosses the edges an odd number of times.
///
/// Source: Franklin, "PNPOLY - Point Inclusion in Polygon Test".
fn is_inside(corners: &[Place], place: Place) -> bool {
    let Some(mut last) = corners.last() else { return false };
    let mut inside = false;
    for corner in corners {
        if (corner.lat > place.lat) != (last.lat > place.lat) {
            let slope = (last.lon - corner.lon) * (place.lat - corner.lat);
            inside ^= place.lon < slope / (last.lat - corner.lat) + corner.lon;
        }
        last = corner;
    }
    inside
}

/// How often to halve, so that a cell and those around it cover so many metres.
fn steps_for(metres: f64, lat: f64) -> u8 {
    if metres == 0.0 {
        return super::cell::STEPS;
    }
    let (mut steps, mut reach) = (1i32, metres);
    while reach < MERCATOR_MAX {
        reach *= 2.0;
        steps += 1;
    }
    // Cells are narrower toward the poles.
    steps -= 2 + i32::from(lat.abs() > 66.0) + i32::from(lat.abs() > 80.0);
    steps.clamp(1, super::cell::STEPS.into()) as u8
}
