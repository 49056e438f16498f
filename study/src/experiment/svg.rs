//! The few shapes that plots are made of, as SVG text that any browser shows.

use std::fmt::Write;

/// Colours that people with any kind of sight tell apart (Okabe and Ito's).
pub(super) const COLOURS: [&str; 7] =
    ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#5a5a5a"];

/// Where a text has its place.
#[derive(Clone, Copy, Debug)]
pub(super) enum Anchor {
    /// At its left end.
    Start,
    /// In its middle.
    Middle,
    /// At its right end.
    End,
}

/// The part of the picture that numbers are drawn in; both axes begin at 0.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) top: f64,
    pub(super) bottom: f64,
    /// The number at the right end.
    pub(super) x: f64,
    /// The number at the top.
    pub(super) y: f64,
}

impl Frame {
    /// Where a point lies.
    pub(super) fn at(&self, x: f64, y: f64) -> (f64, f64) {
        let across = self.left + (self.right - self.left) * x / self.x;
        (across, self.bottom - (self.bottom - self.top) * y / self.y)
    }
}

/// A picture in the making.
#[derive(Debug)]
pub(super) struct Svg {
    text: String,
}

impl Svg {
    /// A white picture with a title.
    pub(super) fn new(width: f64, height: f64, title: &str) -> Self {
        let text = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
             font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n<text \
             x=\"{}\" y=\"22\" text-anchor=\"middle\" font-size=\"14\">{}</text>\n",
            width / 2.0,
            escaped(title)
        );
        Self { text }
    }

    pub(super) fn grid(&mut self, from: (f64, f64), to: (f64, f64)) {
        self.add(format_args!(
            "<path d=\"M{:.1} {:.1}L{:.1} {:.1}\" stroke=\"#ddd\"/>",
            from.0, from.1, to.0, to.1
        ));
    }

    pub(super) fn line(&mut self, points: &[(f64, f64)], colour: &str) {
        let points = listed(points);
        self.add(format_args!(
            "<polyline points=\"{points}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>"
        ));
    }

    pub(super) fn area(&mut self, points: &[(f64, f64)], colour: &str) {
        let points = listed(points);
        self.add(format_args!("<polygon points=\"{points}\" fill=\"{colour}\" fill-opacity=\"0.15\"/>"));
    }

    pub(super) fn dot(&mut self, at: (f64, f64), radius: f64, colour: &str) {
        self.add(format_args!(
            "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"{radius}\" fill=\"{colour}\"/>",
            at.0, at.1
        ));
    }

    pub(super) fn text(&mut self, at: (f64, f64), anchor: Anchor, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let text = escaped(text);
        self.add(format_args!(
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{text}</text>",
            at.0, at.1
        ));
    }

    /// The whole text.
    pub(super) fn finish(self) -> String {
        self.text + "</svg>\n"
    }

    fn add(&mut self, shape: std::fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.text, "{shape}");
    }
}

fn listed(points: &[(f64, f64)]) -> String {
    points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect::<Vec<_>>().join(" ")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Round numbers from 0 to at most `top`, some four to eight of them.
pub(super) fn ticks(top: f64) -> Vec<f64> {
    let size = 10f64.powf((top / 4.0).log10().floor());
    let step =
        [5.0, 2.0, 1.0].into_iter().map(|many| many * size).find(|step| top / step >= 4.0).unwrap_or(size);
    (0..=(top / step + 1e-9) as usize)
        .map(|count| step * count as f64)
        .map(|tick| (tick * 1e6).round() / 1e6)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ticks_are_round() {
        assert_eq!(ticks(10.0), [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]);
        assert_eq!(ticks(23_000.0), [0.0, 5000.0, 10_000.0, 15_000.0, 20_000.0]);
        assert_eq!(ticks(1.0), [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]);
    }

    proptest! {
        #[test]
        fn there_are_some_and_none_lies_outside(top in 0.01f64..1e7) {
            let ticks = ticks(top);
            prop_assert!((5..=11).contains(&ticks.len()), "{:?}", ticks);
            prop_assert!(ticks.iter().all(|tick| *tick <= top * 1.000_001 + 1e-6));
        }
    }

    #[test]
    fn corners_of_the_frame_are_where_they_belong() {
        let frame = Frame { left: 10.0, right: 110.0, top: 20.0, bottom: 220.0, x: 50.0, y: 4.0 };
        assert_eq!((frame.at(0.0, 0.0), frame.at(50.0, 4.0)), ((10.0, 220.0), (110.0, 20.0)));
    }
}
