//! Marks: the shapes that travel, and those that tell what happened to a key.
//!
//! Each meaning has a colour *and* a shape, so that nobody needs to tell colours apart. Powers and
//! angles are JavaScript's: Rust's own would bring 10 KB of code.

use super::keys::{FLASH, Happened};
use super::path::Point;
use super::pen::Pen;
use super::theme::Theme;
use super::trips::Mark;
use js_sys::Math;
use std::f64::consts::TAU;

/// Draws what travels.
pub(super) fn travelling(pen: &Pen<'_>, theme: &Theme, at: Point, mark: Mark) {
    match mark {
        Mark::Ask => pen.disc(at, 2.6, &theme.ink),
        Mark::Done => pen.disc(at, 1.7, &theme.soft),
        Mark::Hit => pen.disc(at, 5.0, &theme.hit),
        Mark::Miss => diamond(pen, at, 5.6, &theme.miss, &theme.paper, false),
        Mark::Rows => diamond(pen, at, 5.6, &theme.miss, &theme.paper, true),
        Mark::Write => square(pen, at, 4.4, &theme.write, &theme.paper, true),
        Mark::Store => square(pen, at, 4.0, &theme.write, &theme.paper, false),
        Mark::Stale => triangle(pen, at, 6.6, &theme.stale),
        Mark::Error => cross(pen, at, 5.0, &theme.stale),
    }
}

/// Draws what has just happened to a key, so many milliseconds ago.
pub(super) fn happened(
    pen: &Pen<'_>,
    theme: &Theme,
    at: Point,
    radius: f64,
    (what, age): (Happened, f64),
    strength: f64,
) {
    let t = (age / FLASH).clamp(0.0, 1.0);
    let out = 1.0 - (1.0 - t).powi(3);
    pen.alpha(Math::pow(1.0 - t, 0.8) * strength);
    match what {
        Happened::Hit => {
            pen.disc(at, radius * (0.35 + 0.5 * out), &theme.hit);
            pen.circle(at, radius + 7.0 * out, 1.5, &theme.hit);
        }
        Happened::Miss => {
            let size = radius * (0.7 + 0.45 * out);
            diamond(pen, at, size, &theme.miss, "transparent", false);
        }
        Happened::Written { .. } => {
            let size = radius * (1.35 - 0.45 * out);
            square(pen, at, size, &theme.write, "transparent", false);
        }
        Happened::Deleted => cross(pen, at, radius * 0.6, &theme.write),
        Happened::ExpiredMet => {
            cross(pen, at, radius * 0.55, &theme.expired);
            pen.circle(at, radius, 1.5, &theme.expired);
        }
        Happened::ExpiredSwept => {
            pen.dashed(&[3.0, 4.0]);
            pen.circle(at, radius + 2.0 + 8.0 * out, 1.5, &theme.expired);
            pen.solid();
            // A hand that goes round once, as the cycle does.
            let angle = TAU * out - TAU / 4.0;
            let (sin, cos) = (Math::sin(angle), Math::cos(angle));
            let tip = Point { x: at.x + radius * cos, y: at.y + radius * sin };
            pen.segment(at, tip, 1.5, &theme.expired);
        }
        Happened::Evicted => {
            let fallen = Point { x: at.x, y: at.y + radius * out };
            cross(pen, fallen, radius * 0.4, &theme.soft);
        }
    }
    pen.alpha(strength);
}

pub(super) fn diamond(pen: &Pen<'_>, at: Point, r: f64, colour: &str, paper: &str, full: bool) {
    let corners = [(0.0, -r), (r, 0.0), (0.0, r), (-r, 0.0)];
    pen.shape(at, &corners, colour, if full { colour } else { paper });
}

pub(super) fn square(pen: &Pen<'_>, at: Point, r: f64, colour: &str, paper: &str, full: bool) {
    let corners = [(-r, -r), (r, -r), (r, r), (-r, r)];
    pen.shape(at, &corners, colour, if full { colour } else { paper });
}

pub(super) fn triangle(pen: &Pen<'_>, at: Point, r: f64, colour: &str) {
    let corners = [(0.0, -r), (r * 0.9, r * 0.7), (-r * 0.9, r * 0.7)];
    pen.shape(at, &corners, colour, colour);
}

pub(super) fn cross(pen: &Pen<'_>, at: Point, r: f64, colour: &str) {
    let r = r * 0.8;
    let ends = |dx: f64, dy: f64| Point { x: at.x + dx, y: at.y + dy };
    pen.segment(ends(-r, -r), ends(r, r), 2.0, colour);
    pen.segment(ends(-r, r), ends(r, -r), 2.0, colour);
}
