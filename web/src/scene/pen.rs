//! A pen: the canvas in the few strokes that the drawing is made of.

use super::layout::Rect;
use super::path::{Path, Point};
use crate::text::number;
use js_sys::Array;
use std::f64::consts::TAU;
use wasm_bindgen::JsValue;
use web_sys::CanvasRenderingContext2d;

/// The canvas in the few strokes that the drawing is made of. Nothing here can fail in a way that
/// the page could do something about, so that failures are ignored.
pub(super) struct Pen<'a> {
    pub(super) canvas: &'a CanvasRenderingContext2d,
    pub(super) font: &'a str,
}

impl Pen<'_> {
    pub(super) fn alpha(&self, alpha: f64) {
        self.canvas.set_global_alpha(alpha);
    }

    pub(super) fn dashed(&self, pattern: &[f64]) {
        let list: Array = pattern.iter().copied().map(JsValue::from_f64).collect();
        let _ = self.canvas.set_line_dash(&list);
    }

    pub(super) fn solid(&self) {
        self.dashed(&[]);
    }

    pub(super) fn disc(&self, at: Point, r: f64, colour: &str) {
        self.canvas.begin_path();
        let _ = self.canvas.arc(at.x, at.y, r, 0.0, TAU);
        self.canvas.set_fill_style_str(colour);
        self.canvas.fill();
    }

    pub(super) fn circle(&self, at: Point, r: f64, width: f64, colour: &str) {
        self.arc(at, r, 1.0, width, colour);
    }

    /// Part of a circle, clockwise from twelve o'clock.
    pub(super) fn arc(&self, at: Point, r: f64, part: f64, width: f64, colour: &str) {
        let from = -TAU / 4.0;
        self.canvas.begin_path();
        let _ = self.canvas.arc(at.x, at.y, r, from, from + TAU * part);
        self.stroke(width, colour);
    }

    pub(super) fn segment(&self, a: Point, b: Point, width: f64, colour: &str) {
        self.canvas.begin_path();
        self.canvas.move_to(a.x, a.y);
        self.canvas.line_to(b.x, b.y);
        self.stroke(width, colour);
    }

    /// A closed shape, its corners relative to `at`.
    pub(super) fn shape(&self, at: Point, corners: &[(f64, f64)], line: &str, fill: &str) {
        self.canvas.begin_path();
        for &(x, y) in corners {
            self.canvas.line_to(at.x + x, at.y + y);
        }
        self.canvas.close_path();
        self.canvas.set_fill_style_str(fill);
        self.canvas.fill();
        self.stroke(1.6, line);
    }

    /// A way with rounded corners.
    pub(super) fn way(&self, path: &Path, width: f64, colour: &str) {
        let points = path.points();
        let (Some(first), Some(last)) = (points.first(), points.last()) else { return };
        self.canvas.begin_path();
        self.canvas.move_to(first.x, first.y);
        for pair in points.windows(2).skip(1) {
            let _ = self.canvas.arc_to(pair[0].x, pair[0].y, pair[1].x, pair[1].y, 7.0);
        }
        self.canvas.line_to(last.x, last.y);
        self.stroke(width, colour);
    }

    pub(super) fn frame(&self, rect: Rect, width: f64, line: &str, fill: &str) {
        self.canvas.set_fill_style_str(fill);
        self.canvas.fill_rect(rect.x, rect.y, rect.w, rect.h);
        self.canvas.set_line_width(width);
        self.canvas.set_stroke_style_str(line);
        self.canvas.stroke_rect(rect.x, rect.y, rect.w, rect.h);
    }

    fn stroke(&self, width: f64, colour: &str) {
        self.canvas.set_line_width(width);
        self.canvas.set_stroke_style_str(colour);
        self.canvas.stroke();
    }

    /// Text; `align` as the canvas names it, the middle of the letters at `at.y`.
    pub(super) fn text(&self, text: &str, at: Point, size: f64, align: &str, colour: &str) {
        self.weighted(text, at, 400, size, align, colour);
    }

    pub(super) fn weighted(
        &self,
        text: &str,
        at: Point,
        weight: u32,
        size: f64,
        align: &str,
        colour: &str,
    ) {
        self.canvas.set_font(&format!("{weight} {}px {}", number(size), self.font));
        self.canvas.set_text_align(align);
        self.canvas.set_text_baseline("middle");
        self.canvas.set_fill_style_str(colour);
        let _ = self.canvas.fill_text(text, at.x, at.y);
    }

    /// How wide the text is that was measured by the font set last.
    pub(super) fn width(&self, text: &str, weight: u32, size: f64) -> f64 {
        self.canvas.set_font(&format!("{weight} {}px {}", number(size), self.font));
        self.canvas.measure_text(text).map_or(0.0, |m| m.width())
    }
}
