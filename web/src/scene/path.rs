//! Ways of straight pieces, and where one is after a part of them.

/// A point, in CSS pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Point {
    pub(super) x: f64,
    pub(super) y: f64,
}

/// The most corners that a way has.
const CORNERS: usize = 12;
/// How far to the right of its line whatever travels keeps, so that there and back are apart.
const LANE: f64 = 3.5;

/// A way of straight pieces.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Path {
    points: [Point; CORNERS],
    len: usize,
}

impl Path {
    pub(super) fn push(&mut self, x: f64, y: f64) {
        let point = Point { x, y };
        let repeated = self.len > 0 && self.points[self.len - 1] == point;
        if self.len < CORNERS && !repeated {
            self.points[self.len] = point;
            self.len += 1;
        }
    }

    pub(super) fn points(&self) -> &[Point] {
        &self.points[..self.len]
    }

    pub(super) fn reversed(mut self) -> Self {
        self.points[..self.len].reverse();
        self
    }

    /// The same way, one lane to the right of the direction of travel.
    pub(super) fn lane(&self) -> Self {
        let points = self.points();
        let mut moved = *self;
        for (i, place) in moved.points[..self.len].iter_mut().enumerate() {
            let before = i.checked_sub(1).map(|j| right_of(points[j], points[i]));
            let after = points.get(i + 1).map(|&next| right_of(points[i], next));
            let (dx, dy) = match (before, after) {
                (Some(a), Some(b)) if a == b => a,
                // At a right-angled corner each piece moves along its own normal.
                (Some(a), Some(b)) => (a.0 + b.0, a.1 + b.1),
                (Some(a), None) | (None, Some(a)) => a,
                (None, None) => (0.0, 0.0),
            };
            place.x += dx * LANE;
            place.y += dy * LANE;
        }
        moved
    }

    fn length(&self) -> f64 {
        self.points().windows(2).map(|pair| distance(pair[0], pair[1])).sum()
    }

    /// Where one is after `part` (0 to 1) of the way.
    pub(super) fn at(&self, part: f64) -> Point {
        let mut left = self.length() * part.clamp(0.0, 1.0);
        for pair in self.points().windows(2) {
            let piece = distance(pair[0], pair[1]);
            if left <= piece && piece > 0.0 {
                let t = left / piece;
                return Point {
                    x: pair[0].x + (pair[1].x - pair[0].x) * t,
                    y: pair[0].y + (pair[1].y - pair[0].y) * t,
                };
            }
            left -= piece;
        }
        self.points().last().copied().unwrap_or_default()
    }
}

fn distance(a: Point, b: Point) -> f64 {
    (b.x - a.x).hypot(b.y - a.y)
}

/// The unit normal to the right of the direction from `a` to `b`, y pointing down.
fn right_of(a: Point, b: Point) -> (f64, f64) {
    let length = distance(a, b).max(f64::EPSILON);
    (-(b.y - a.y) / length, (b.x - a.x) / length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn corner() -> Path {
        let mut path = Path::default();
        path.push(0.0, 0.0);
        path.push(10.0, 0.0);
        path.push(10.0, 10.0);
        path
    }

    #[test]
    fn a_part_of_the_way() {
        assert_eq!(corner().at(0.25), Point { x: 5.0, y: 0.0 });
        assert_eq!(corner().at(0.75), Point { x: 10.0, y: 5.0 });
        assert_eq!(corner().at(2.0), Point { x: 10.0, y: 10.0 });
        assert_eq!(Path::default().at(0.5), Point::default());
    }

    #[test]
    fn there_and_back_are_apart() {
        let there = corner().lane().at(0.0);
        let back = corner().reversed().lane().at(1.0);
        assert_eq!(there, Point { x: 0.0, y: LANE });
        assert_eq!(back, Point { x: 0.0, y: -LANE });
    }
}
