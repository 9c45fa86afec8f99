//! Where everything stands: a drawing that runs from left to right on a wide canvas and from top to
//! bottom on a narrow one.
//!
//! Lengths are CSS pixels. What must never be here: time, and what happens in the simulation.

use super::path::{Path, Point};

/// Below this width the drawing runs from top to bottom.
const NARROW: f64 = 700.0;
/// The most products that have a ring of their own.
pub(super) const MAX_CELLS: usize = 36;

/// A rectangle.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rect {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) w: f64,
    pub(super) h: f64,
}

impl Rect {
    pub(super) fn cx(&self) -> f64 {
        self.x + self.w / 2.0
    }
    pub(super) fn cy(&self) -> f64 {
        self.y + self.h / 2.0
    }
    pub(super) fn right(&self) -> f64 {
        self.x + self.w
    }
    pub(super) fn bottom(&self) -> f64 {
        self.y + self.h
    }
}

/// An end of a way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spot {
    Users,
    App(usize),
    /// The cache, at a product's ring or, without one, at its door.
    Cache(Option<usize>),
    Database,
    Console,
}

/// Where everything stands.
#[derive(Clone, Debug, Default)]
pub(super) struct Layout {
    pub(super) wide: bool,
    pub(super) w: f64,
    pub(super) h: f64,
    pub(super) users: Point,
    pub(super) apps: Vec<Rect>,
    pub(super) cabinet: Rect,
    /// The middle of each ring.
    pub(super) cells: Vec<Point>,
    pub(super) radius: f64,
    /// From a ring's middle down to the shelf that it stands on.
    pub(super) shelf: f64,
    pub(super) database: Rect,
    /// The coordinate of the long way round the cache: y when wide, x when narrow.
    pub(super) bypass: f64,
}

/// How high the canvas should be for its width.
pub(super) fn height_for(width: f64, cells: usize) -> f64 {
    if width >= NARROW {
        return 396.0;
    }
    let rows = cells.clamp(1, MAX_CELLS).div_ceil(6) as f64;
    322.0 + rows * row_pitch(width)
}

fn row_pitch(width: f64) -> f64 {
    (width / 6.4).clamp(50.0, 78.0)
}

impl Layout {
    pub(super) fn new(w: f64, h: f64, apps: usize, cells: usize) -> Self {
        let cells = cells.clamp(1, MAX_CELLS);
        let mut layout = if w >= NARROW { wide(w, h, apps) } else { narrow(w, h, apps, cells) };
        layout.place_cells(cells);
        layout
    }

    fn place_cells(&mut self, count: usize) {
        let columns = if self.wide { count.div_ceil(4).max(6) } else { 6 };
        let rows = count.div_ceil(columns).max(if self.wide { 4 } else { 1 });
        // Room at the left for the way up and down, and nothing but air on the other sides.
        let room = if self.wide { 26.0 } else { 14.0 };
        let inner = Rect {
            x: self.cabinet.x + room,
            y: self.cabinet.y + 8.0,
            w: self.cabinet.w - room - 8.0,
            h: self.cabinet.h - 12.0,
        };
        let (dx, dy) = (inner.w / columns as f64, inner.h / rows as f64);
        self.radius = (dx.min(dy) * 0.5 - 8.0).clamp(9.0, 25.0);
        self.shelf = self.radius + 7.0;
        self.cells = (0..count)
            .map(|i| {
                let (column, row) = ((i % columns) as f64, (i / columns) as f64);
                let bottom = inner.y + dy * (row + 1.0);
                Point { x: inner.x + dx * (column + 0.5), y: bottom - self.shelf - 4.0 }
            })
            .collect();
    }

    /// The way from one place to another; the bool says whether it is worth drawing as a line.
    pub(super) fn way(&self, from: Spot, to: Spot) -> Path {
        match (from, to) {
            (Spot::Users, Spot::App(i)) => self.users_to(i),
            (Spot::App(i), Spot::Users) => self.users_to(i).reversed(),
            (Spot::App(i), Spot::Cache(cell)) => self.to_cache(i, cell),
            (Spot::Cache(cell), Spot::App(i)) => self.to_cache(i, cell).reversed(),
            (Spot::App(i), Spot::Database) => self.to_database(i),
            (Spot::Database, Spot::App(i)) => self.to_database(i).reversed(),
            (Spot::Console, _) => self.console(),
            (_, Spot::Console) => self.console().reversed(),
            _ => Path::default(),
        }
    }

    fn app(&self, i: usize) -> Rect {
        self.apps.get(i).or(self.apps.first()).copied().unwrap_or_default()
    }

    fn users_to(&self, i: usize) -> Path {
        let app = self.app(i);
        let mut path = Path::default();
        if self.wide {
            path.push(self.users.x + 14.0, self.users.y);
            let turn = (self.users.x + app.x) / 2.0;
            path.push(turn, self.users.y);
            path.push(turn, app.cy());
            path.push(app.x, app.cy());
        } else {
            let turn = (self.users.y + app.y) / 2.0 + 6.0;
            path.push(self.users.x, self.users.y + 13.0);
            path.push(self.users.x, turn);
            path.push(app.cx(), turn);
            path.push(app.cx(), app.y);
        }
        path
    }

    fn to_cache(&self, i: usize, cell: Option<usize>) -> Path {
        let (app, cabinet) = (self.app(i), self.cabinet);
        let mut path = Path::default();
        let aisle = cabinet.x + if self.wide { 14.0 } else { 9.0 };
        if self.wide {
            let y = app.cy() - app.h * 0.22;
            let turn = app.right() + (cabinet.x - app.right()) * 0.62;
            path.push(app.right(), y);
            path.push(turn, y);
            path.push(turn, cabinet.cy());
            path.push(cabinet.x, cabinet.cy());
            if cell.is_some() {
                path.push(aisle, cabinet.cy());
            }
        } else {
            let x = app.cx() - app.w * 0.22;
            let turn = app.bottom() + 26.0;
            path.push(x, app.bottom());
            path.push(x, turn);
            path.push(cabinet.x + cabinet.w * 0.3, turn);
            path.push(cabinet.x + cabinet.w * 0.3, cabinet.y);
            if cell.is_some() {
                path.push(cabinet.x + cabinet.w * 0.3, cabinet.y + 7.0);
                path.push(aisle, cabinet.y + 7.0);
            }
        }
        if let Some(middle) = cell.and_then(|cell| self.cells.get(cell)) {
            let shelf = middle.y + self.shelf;
            path.push(aisle, shelf);
            path.push(middle.x, shelf);
            path.push(middle.x, middle.y + self.radius);
        }
        path
    }

    fn to_database(&self, i: usize) -> Path {
        let (app, database) = (self.app(i), self.database);
        let mut path = Path::default();
        if self.wide {
            let y = app.cy() + app.h * 0.22;
            let turn = app.right() + (self.cabinet.x - app.right()) * 0.28;
            path.push(app.right(), y);
            path.push(turn, y);
            path.push(turn, self.bypass);
            path.push(database.cx(), self.bypass);
            path.push(database.cx(), database.bottom());
        } else {
            let x = app.cx() + app.w * 0.22;
            let turn = app.bottom() + 13.0;
            path.push(x, app.bottom());
            path.push(x, turn);
            path.push(self.bypass, turn);
            path.push(self.bypass, database.cy());
            path.push(database.right(), database.cy());
        }
        path
    }

    fn console(&self) -> Path {
        let mut path = Path::default();
        let x = self.cabinet.x + self.cabinet.w * 0.5;
        path.push(x, self.cabinet.y - 24.0);
        path.push(x, self.cabinet.y);
        path
    }
}

fn wide(w: f64, h: f64, apps: usize) -> Layout {
    let cabinet = Rect { x: w * 0.335, y: 40.0, w: w * 0.44, h: h - 122.0 };
    let app = Rect { x: (w * 0.105).max(88.0), y: 0.0, w: (w * 0.085).clamp(76.0, 120.0), h: 74.0 };
    let gap = (cabinet.h / apps as f64).min(128.0);
    let apps = (0..apps)
        .map(|i| {
            let middle = cabinet.cy() + (i as f64 - (apps as f64 - 1.0) / 2.0) * gap;
            let h = app.h.min(gap - 16.0);
            Rect { y: middle - h / 2.0, h, ..app }
        })
        .collect();
    let db_w = (w * 0.115).clamp(92.0, 150.0);
    let database = Rect { x: w - 12.0 - db_w, y: cabinet.cy() - 84.0, w: db_w, h: 176.0 };
    Layout {
        wide: true,
        w,
        h,
        users: Point { x: 30.0, y: cabinet.cy() },
        apps,
        cabinet,
        database,
        bypass: cabinet.bottom() + 32.0,
        ..Layout::default()
    }
}

fn narrow(w: f64, h: f64, apps: usize, cells: usize) -> Layout {
    let rows = cells.div_ceil(6) as f64;
    let cabinet = Rect { x: 2.0, y: 150.0, w: w - 34.0, h: 12.0 + rows * row_pitch(w) };
    let each = (w - 40.0) / apps as f64;
    let app_w = each.min(124.0) - 14.0;
    let apps = (0..apps)
        .map(|i| Rect {
            x: 2.0 + each * (i as f64 + 0.5) - app_w / 2.0,
            y: 52.0,
            w: app_w,
            h: 46.0,
        })
        .collect();
    let top = cabinet.bottom() + 52.0;
    let database = Rect { x: w * 0.26, y: top, w: w * 0.4, h: (h - top - 12.0).clamp(70.0, 112.0) };
    Layout {
        wide: false,
        w,
        h,
        users: Point { x: 2.0 + (w - 40.0) / 2.0, y: 20.0 },
        apps,
        cabinet,
        database,
        bypass: w - 12.0,
        ..Layout::default()
    }
}
