//! One frame, from the paper up: ways, places, rings, and what travels.

use super::keys::{FLASH, Ring};
use super::layout::{Rect, Spot};
use super::path::Point;
use super::pen::Pen;
use super::{Scene, Sight, marks};
use crate::text::fixed;
use std::f64::consts::TAU;

/// Requests in an application and statements that wait which are drawn one by one.
const MAX_TICKS: usize = 14;

impl Scene {
    /// Draws everything anew.
    pub(crate) fn draw(&self, sight: &Sight) {
        let layout = &self.layout;
        let pen = Pen { canvas: &self.context, font: &self.theme.sans };
        self.context.clear_rect(0.0, 0.0, layout.w, layout.h);
        self.ways(&pen, sight);
        self.dimensions(&pen, sight);
        self.users(&pen);
        self.apps(&pen);
        self.cabinet(&pen, sight);
        self.database(&pen, sight);
        if !self.calm {
            for mote in self.trips.flying(self.clock) {
                let part = (self.clock - mote.start) / (mote.end - mote.start);
                let at = layout.way(mote.from, mote.to).lane().at(ease(part));
                marks::travelling(&pen, &self.theme, at, mote.mark);
            }
        }
    }

    fn ways(&self, pen: &Pen<'_>, sight: &Sight) {
        let line = &self.theme.line;
        for app in 0..self.apps {
            let mut ways = vec![(Spot::Users, Spot::App(app)), (Spot::App(app), Spot::Database)];
            if sight.cache_on {
                ways.push((Spot::App(app), Spot::Cache(None)));
            }
            for (from, to) in ways {
                let way = self.layout.way(from, to);
                pen.way(&way.lane(), 1.0, line);
                pen.way(&way.reversed().lane(), 1.0, line);
            }
        }
    }

    /// Dimension lines, as between the parts of a machine: here the distance is time.
    fn dimensions(&self, pen: &Pen<'_>, sight: &Sight) {
        let (layout, theme) = (&self.layout, &self.theme);
        let hit = sight.hit_ms.filter(|_| sight.cache_on).map(|ms| format!("hit {}", millis(ms)));
        let word = if sight.cache_on { "miss" } else { "database" };
        let miss = sight.miss_ms.map(|ms| format!("{word} {}", millis(ms)));
        let Some(app) = layout.apps.first() else { return };
        if layout.wide {
            if let Some(text) = hit {
                let y = layout.cabinet.y - 22.0;
                self.dimension(pen, app.right(), layout.cabinet.x, y, &text, &theme.hit);
            }
            if let Some(text) = miss {
                let y = layout.h - 14.0;
                self.dimension(pen, app.right(), layout.database.right(), y, &text, &theme.miss);
            }
            return;
        }
        if let Some(text) = hit {
            let x = layout.cabinet.x + layout.cabinet.w * 0.3 - 12.0;
            let at = Point { x, y: layout.cabinet.y - 12.0 };
            pen.weighted(&text, at, 600, 12.0, "right", &theme.hit);
        }
        if let Some(text) = miss {
            let at = Point { x: layout.bypass - 12.0, y: layout.database.cy() - 14.0 };
            pen.weighted(&text, at, 600, 12.0, "right", &theme.miss);
        }
    }

    fn dimension(&self, pen: &Pen<'_>, from: f64, to: f64, y: f64, text: &str, colour: &str) {
        let line = &self.theme.soft;
        let middle = (from + to) / 2.0;
        let half = pen.width(text, 600, 13.0) / 2.0 + 8.0;
        let point = |x| Point { x, y };
        if half * 2.0 + 24.0 > to - from {
            return pen.weighted(text, point(middle), 600, 12.0, "center", colour);
        }
        pen.segment(point(from), point(middle - half), 1.0, line);
        pen.segment(point(middle + half), point(to), 1.0, line);
        for (x, back) in [(from, 6.0), (to, -6.0)] {
            pen.segment(Point { x, y: y - 6.0 }, Point { x, y: y + 6.0 }, 1.0, line);
            pen.segment(point(x), Point { x: x + back, y: y - 3.0 }, 1.0, line);
            pen.segment(point(x), Point { x: x + back, y: y + 3.0 }, 1.0, line);
        }
        pen.weighted(text, point(middle), 600, 13.0, "center", colour);
    }

    fn users(&self, pen: &Pen<'_>) {
        let (layout, theme) = (&self.layout, &self.theme);
        let steps: [f64; 3] = [-1.0, 0.0, 1.0];
        for step in steps {
            let (dx, dy) = if layout.wide { (0.0, step * 34.0) } else { (step * 30.0, 0.0) };
            let at = Point { x: layout.users.x + dx, y: layout.users.y + dy };
            pen.disc(at, 15.0, &theme.paper);
            pen.circle(Point { x: at.x, y: at.y - 5.0 }, 4.5, 1.3, &theme.soft);
            self.context.begin_path();
            let _ = self.context.arc(at.x, at.y + 11.0, 9.0, TAU / 2.0, TAU);
            self.context.set_line_width(1.3);
            self.context.set_stroke_style_str(&theme.soft);
            self.context.stroke();
        }
        let (x, y, align) = if layout.wide {
            (layout.users.x, layout.users.y - 66.0, "center")
        } else {
            (layout.users.x - 54.0, layout.users.y + 3.0, "right")
        };
        pen.text("users", Point { x, y }, 12.5, align, &theme.soft);
    }

    fn apps(&self, pen: &Pen<'_>) {
        let theme = &self.theme;
        for (i, app) in self.layout.apps.iter().enumerate() {
            pen.frame(*app, 1.5, &theme.ink, &theme.paper);
            let name = format!("app {}", i + 1);
            let y = app.cy() - 7.0;
            pen.weighted(&name, Point { x: app.cx(), y }, 600, 13.0, "center", &theme.ink);
            // A tick for each request that it works on.
            let busy = self.trips.at_app(i, self.clock);
            let ticks = busy.min(((app.w - 14.0) / 5.0) as usize);
            for tick in 0..ticks {
                let x = app.x + 8.0 + tick as f64 * 5.0;
                let y = app.bottom() - 9.0;
                let from = Point { x, y: y - 7.0 };
                pen.segment(from, Point { x, y }, 1.5, &theme.soft);
            }
        }
    }

    fn cabinet(&self, pen: &Pen<'_>, sight: &Sight) {
        let (cabinet, theme) = (self.layout.cabinet, &self.theme);
        pen.alpha(strength(sight));
        pen.frame(cabinet, 1.5, &theme.ink, &theme.paper);
        let inner =
            Rect { x: cabinet.x + 3.0, y: cabinet.y + 3.0, w: cabinet.w - 6.0, h: cabinet.h - 6.0 };
        pen.frame(inner, 0.75, &theme.line, "transparent");
        self.shelves(pen);
        for (i, ring) in self.rings.rings.iter().enumerate() {
            self.ring(pen, sight, i, ring);
        }
        pen.alpha(1.0);
        self.cabinet_text(pen, sight);
    }

    fn cabinet_text(&self, pen: &Pen<'_>, sight: &Sight) {
        let (cabinet, theme) = (self.layout.cabinet, &self.theme);
        let size = format!("{} keys, {}", sight.keys, bytes(sight.bytes));
        let state = match (sight.cache_on, sight.cache_up) {
            (false, _) => "switched off",
            (_, false) => "restarting",
            _ => &size,
        };
        let y = cabinet.y - 14.0;
        let right = Point { x: cabinet.right(), y };
        pen.text(state, right, 12.5, "right", &theme.soft);
        let x = right.x - pen.width(state, 400, 12.5) - 10.0;
        pen.weighted("cache", Point { x, y }, 600, 13.0, "right", &theme.ink);
        if !sight.others.is_empty() {
            let (shown, rest) = sight.others.split_at(sight.others.len().min(4));
            let more = if rest.is_empty() { String::new() } else { format!(" +{}", rest.len()) };
            let text = format!("also {}{more}", shown.join(", "));
            let at = Point { x: cabinet.right(), y: cabinet.bottom() + 14.0 };
            pen.text(&text, at, 12.0, "right", &theme.soft);
        }
    }

    fn shelves(&self, pen: &Pen<'_>) {
        let (layout, mut last) = (&self.layout, f64::MIN);
        for cell in &layout.cells {
            let y = cell.y + layout.shelf;
            if y != last {
                let left = Point { x: layout.cabinet.x + 3.0, y };
                let right = Point { x: layout.cabinet.right() - 3.0, y };
                pen.segment(left, right, 1.0, &self.theme.faint);
                last = y;
            }
        }
    }

    fn ring(&self, pen: &Pen<'_>, sight: &Sight, i: usize, ring: &Ring) {
        let (layout, theme) = (&self.layout, &self.theme);
        let (Some(&at), Some(&product)) = (layout.cells.get(i), self.cells.get(i)) else { return };
        let r = layout.radius;
        let mut label = &theme.soft;
        if ring.present {
            label = &theme.ink;
            let differs = sight.differing.contains(&product);
            let colour = if differs { &theme.stale } else { &theme.hit };
            match ring.left(sight.now_us) {
                None => pen.circle(at, r, 3.0, colour),
                Some(0.0) => {
                    pen.dashed(&[2.0, 3.0]);
                    pen.circle(at, r, 2.0, &theme.expired);
                    pen.solid();
                }
                Some(left) => {
                    pen.circle(at, r, 1.0, &theme.line);
                    pen.arc(at, r, left, 3.4, colour);
                }
            }
            if differs {
                let corner = Point { x: at.x + r * 0.78, y: at.y - r * 0.78 };
                marks::triangle(pen, corner, 5.0, &theme.stale);
            }
        } else {
            pen.dashed(&[1.5, 3.5]);
            pen.circle(at, r, 1.0, &theme.line);
            pen.solid();
        }
        if product == sight.chosen {
            self.chosen(pen, at);
        }
        if let Some((what, since)) = ring.last.filter(|&(_, since)| self.clock - since < FLASH) {
            marks::happened(pen, theme, at, r, (what, self.clock - since), strength(sight));
        }
        let size = (r * 0.62).clamp(10.0, 13.5);
        pen.weighted(&product.to_string(), at, 500, size, "center", label);
    }

    /// Corner marks around the product that the buttons act on.
    fn chosen(&self, pen: &Pen<'_>, at: Point) {
        let (d, arm) = (self.layout.radius + 5.0, 6.0);
        for (sx, sy) in [(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)] {
            let corner = Point { x: at.x + sx * d, y: at.y + sy * d };
            let ink = &self.theme.ink;
            pen.segment(corner, Point { x: corner.x - sx * arm, ..corner }, 1.3, ink);
            pen.segment(corner, Point { y: corner.y - sy * arm, ..corner }, 1.3, ink);
        }
    }

    fn database(&self, pen: &Pen<'_>, sight: &Sight) {
        let (db, theme) = (self.layout.database, &self.theme);
        self.cylinder(db);
        let name = Point { x: db.cx(), y: db.y - 24.0 };
        if self.layout.wide {
            pen.weighted("database", name, 600, 13.0, "center", &theme.ink);
        } else {
            let at = Point { x: db.x - 10.0, y: db.cy() };
            pen.weighted("database", at, 600, 13.0, "right", &theme.ink);
        }
        let rate = fixed(sight.database_reads_per_s, 0);
        let top = if self.layout.wide { db.cy() - 26.0 } else { db.cy() - 14.0 };
        let size = if self.layout.wide { 30.0 } else { 24.0 };
        pen.weighted(&rate, Point { x: db.cx(), y: top }, 600, size, "center", &theme.miss);
        let under = Point { x: db.cx(), y: top + size * 0.5 + 10.0 };
        let unit = if db.w < 110.0 { "reads/s" } else { "reads a second" };
        pen.text(unit, under, 12.0, "center", &theme.soft);
        self.pool(pen, sight, under.y + 16.0);
    }

    /// The pool's connections, full where a statement is at work, and how many wait.
    fn pool(&self, pen: &Pen<'_>, sight: &Sight, y: f64) {
        let (db, theme) = (self.layout.database, &self.theme);
        let Some(load) = sight.load else { return };
        let slots = (load.pool as usize).min(16);
        let busy = self.trips.at_database(self.clock).max(load.busy as usize);
        let step = ((db.w - 20.0) / slots as f64).min(14.0);
        let left = db.cx() - step * slots as f64 / 2.0;
        for slot in 0..slots {
            let side = step - 4.0;
            let rect = Rect { x: left + slot as f64 * step + 2.0, y, w: side, h: side };
            let fill = if slot < busy { theme.miss.as_str() } else { "transparent" };
            let line = if slot < busy { &theme.miss } else { &theme.line };
            pen.frame(rect, 1.0, line, fill);
        }
        if load.waiting > 0 {
            let text = format!("{} waiting", load.waiting);
            let at = Point { x: db.cx(), y: y + step + 12.0 };
            pen.weighted(&text, at, 600, 12.0, "center", &theme.stale);
            for tick in 0..(load.waiting as usize).min(MAX_TICKS) {
                let x = db.cx() - 35.0 + tick as f64 * 5.0;
                let at = Point { x, y: y + step + 22.0 };
                pen.segment(at, Point { y: at.y + 6.0, ..at }, 1.5, &theme.stale);
            }
        }
    }

    fn cylinder(&self, db: Rect) {
        let (canvas, theme) = (&self.context, &self.theme);
        let (rx, ry) = (db.w / 2.0, if self.layout.wide { 14.0 } else { 9.0 });
        canvas.begin_path();
        canvas.move_to(db.x, db.y);
        canvas.line_to(db.x, db.bottom() - ry);
        let _ = canvas.ellipse_with_anticlockwise(
            db.cx(),
            db.bottom() - ry,
            rx,
            ry,
            0.0,
            TAU / 2.0,
            0.0,
            true,
        );
        canvas.line_to(db.right(), db.y);
        canvas.set_fill_style_str(&theme.paper);
        canvas.fill();
        canvas.set_line_width(1.5);
        canvas.set_stroke_style_str(&theme.ink);
        canvas.stroke();
        canvas.begin_path();
        let _ = canvas.ellipse(db.cx(), db.y, rx, ry, 0.0, 0.0, TAU);
        canvas.fill();
        canvas.stroke();
    }
}

impl Ring {
    /// The part of its time that is left; `None` when it never expires.
    fn left(&self, now_us: u64) -> Option<f64> {
        let expires = self.expires_at_us?;
        let whole = expires.saturating_sub(self.written_at_us).max(1);
        Some(expires.saturating_sub(now_us) as f64 / whole as f64)
    }
}

/// How strongly the cache is drawn: one that nobody uses is a shadow.
fn strength(sight: &Sight) -> f64 {
    if sight.cache_on && sight.cache_up { 1.0 } else { 0.4 }
}

/// Slow at either end.
fn ease(t: f64) -> f64 {
    t * t * (3.0 - 2.0 * t) * 0.5 + t * 0.5
}

/// Milliseconds in three digits.
pub(crate) fn millis(ms: f64) -> String {
    format!("{} ms", fixed(ms, if ms < 10.0 { 2 } else { 1 }))
}

/// Bytes in units that one reads.
pub(crate) fn bytes(n: u64) -> String {
    if n < 1024 { format!("{n} B") } else { format!("{} KB", fixed(n as f64 / 1024.0, 1)) }
}
