//! Clothes: T-shirt, pullover, coat and shirt are one drawing with different habits; dress and trousers are their own.

use super::canvas::{Canvas, Dice, Point, rounded, symmetric};

/// Random parameters of a top, drawn for each item.
struct Top {
    /// Length of the sleeves; 0 has none.
    sleeve: f32,
    /// Height (`y`) of the hem.
    hem: f32,
    /// Half its width at the hem.
    width: f32,
    /// Depth of the neckline.
    neck: f32,
    /// Contrast of its collar; 0 has none.
    collar: f32,
    /// Contrast of its front opening; 0 has none.
    front: f32,
    /// Contrast of its ribs at hem and cuffs; 0 has none.
    ribs: f32,
}

pub(super) fn t_shirt(canvas: &mut Canvas, dice: &mut Dice, light: f32) {
    let sleeve = if dice.chance(0.05) { dice.between(0.8, 1.25) } else { dice.between(0.3, 0.55) };
    let front = if dice.chance(0.04) { 0.15 } else { 0.0 };
    let top = Top {
        sleeve,
        hem: dice.between(0.72, 0.98),
        width: dice.between(0.4, 0.55),
        neck: dice.between(0.14, 0.36),
        collar: if dice.chance(0.06) { 0.2 } else { 0.0 },
        front,
        ribs: 0.0,
    };
    top.draw(canvas, dice, light);
    // A print on the chest.
    if dice.chance(0.35) {
        let (x, y) = (dice.between(0.12, 0.3), dice.between(0.1, 0.3));
        let print = (light + if dice.chance(0.5) { 0.35 } else { -0.35 }).clamp(0.1, 1.0);
        canvas.fill(&[[-x, -0.25], [x, -0.25], [x, y], [-x, y]], print);
    }
}

pub(super) fn pullover(canvas: &mut Canvas, dice: &mut Dice, light: f32) {
    let top = Top {
        sleeve: if dice.chance(0.08) { dice.between(0.6, 0.9) } else { dice.between(1.15, 1.5) },
        hem: dice.between(0.72, 0.96),
        width: dice.between(0.42, 0.58),
        neck: dice.between(0.02, 0.26),
        collar: if dice.chance(0.08) { 0.15 } else { 0.0 },
        front: if dice.chance(0.05) { 0.15 } else { 0.0 },
        ribs: if dice.chance(0.88) { dice.between(0.15, 0.45) } else { 0.0 },
    };
    top.draw(canvas, dice, light);
}

pub(super) fn coat(canvas: &mut Canvas, dice: &mut Dice, light: f32) {
    let top = Top {
        sleeve: dice.between(1.2, 1.55),
        hem: dice.between(0.86, 1.02),
        width: dice.between(0.46, 0.66),
        neck: dice.between(0.02, 0.36),
        collar: if dice.chance(0.7) { dice.between(0.1, 0.4) } else { 0.0 },
        front: if dice.chance(0.9) { dice.between(0.2, 0.55) } else { 0.05 },
        ribs: if dice.chance(0.05) { 0.15 } else { 0.0 },
    };
    top.draw(canvas, dice, light);
    // Worn open.
    if dice.chance(0.5) {
        let gap = dice.between(0.05, 0.15);
        canvas.fill(&symmetric(&[[0.02, -0.5], [gap, top.hem]]), light * dice.between(0.0, 0.4));
    }
    if dice.chance(0.5) {
        canvas.fill_both(&[[0.16, 0.3], [0.36, 0.26], [0.36, 0.34], [0.16, 0.38]], light * 0.6);
    }
}

pub(super) fn shirt(canvas: &mut Canvas, dice: &mut Dice, light: f32) {
    let top = Top {
        sleeve: if dice.chance(0.15) { dice.between(0.35, 0.75) } else { dice.between(1.05, 1.45) },
        hem: dice.between(0.72, 0.94),
        width: dice.between(0.38, 0.54),
        neck: dice.between(0.04, 0.3),
        collar: if dice.chance(0.85) { dice.between(0.2, 0.5) } else { 0.0 },
        front: if dice.chance(0.93) { dice.between(0.2, 0.42) } else { 0.0 },
        ribs: 0.0,
    };
    top.draw(canvas, dice, light);
    if dice.chance(0.35) {
        canvas.fill(&[[0.1, -0.3], [0.32, -0.3], [0.32, -0.05], [0.1, -0.05]], light * dice.between(0.7, 1.2));
    }
}

impl Top {
    fn draw(&self, canvas: &mut Canvas, dice: &mut Dice, light: f32) {
        let shoulder = dice.between(0.4, 0.52);
        let chest = dice.between(0.36, 0.48).min(self.width + 0.04);
        let side = if dice.chance(0.5) { 1.0 } else { -1.0 };
        let shade = |strength: f32| (light * (1.0 + side * strength) - 0.15 * strength).clamp(0.03, 1.0);
        self.draw_sleeves(canvas, dice, light, [shoulder, chest]);
        let neck = dice.between(0.15, 0.25);
        let body = [[neck, -0.92], [shoulder, -0.8], [chest, -0.3], [chest, 0.2], [self.width, self.hem]];
        canvas.fill(&symmetric(&body), light);
        let bottom = [[neck, -0.95], [neck * 0.8, -0.9 + self.neck * 0.7], [0.0, -0.9 + self.neck]];
        // Through the neckline one sees the inside of the back, or the background.
        canvas.fill(&symmetric(&bottom), if dice.chance(0.5) { light * 0.45 } else { 0.0 });
        if self.ribs > 0.0 {
            let (low, high) = (self.hem, self.hem - 0.12);
            canvas.fill(&symmetric(&[[self.width * 0.97, high], [self.width, low]]), shade(self.ribs));
        }
        if self.front > 0.0 {
            canvas.line([0.0, -0.9 + self.neck], [0.0, self.hem], 0.06 + 0.1 * self.front, shade(-1.6 * self.front));
        }
        if self.collar > 0.0 {
            let depth = -0.82 + self.neck.max(0.12);
            canvas.fill_both(
                &[[neck, -0.97], [neck + 0.12, -0.82], [0.12, depth + 0.08], [0.0, depth]],
                shade(self.collar),
            );
        }
    }

    fn draw_sleeves(&self, canvas: &mut Canvas, dice: &mut Dice, light: f32, [shoulder, chest]: Point) {
        let sin = if self.sleeve < 0.8 { dice.between(0.35, 0.8) } else { dice.between(0.12, 0.42) };
        let cos = (1.0 - sin * sin).sqrt();
        let width = dice.between(0.16, 0.26);
        let end = [shoulder + sin * self.sleeve, -0.78 + cos * self.sleeve];
        let inner = [end[0] - cos * width, end[1] + sin * width];
        let outline = [[shoulder - 0.12, -0.84], [shoulder, -0.8], end, inner, [chest - 0.04, -0.25]];
        let tone = light * dice.between(0.75, 1.0);
        canvas.fill_both(&outline, tone);
        if self.ribs > 0.0 {
            let up = |[x, y]: Point| [x - 0.1 * sin, y - 0.1 * cos];
            canvas.fill_both(&[end, inner, up(inner), up(end)], tone * (1.0 - self.ribs));
        }
    }
}

pub(super) fn dress(canvas: &mut Canvas, dice: &mut Dice, light: f32) {
    let (shoulder, waist) = (dice.between(0.2, 0.36), dice.between(0.17, 0.3));
    let (hem, flare) = (dice.between(0.88, 1.0), dice.between(0.22, 0.58));
    let at = dice.between(-0.25, 0.1);
    if dice.chance(0.35) {
        let sleeve = if dice.chance(0.4) { dice.between(0.8, 1.2) } else { dice.between(0.2, 0.5) };
        let out = sleeve * dice.between(0.2, 0.4);
        let end = [shoulder + out, -0.85 + sleeve];
        canvas.fill_both(
            &[[shoulder - 0.1, -0.92], [shoulder, -0.88], end, [end[0] - 0.14, end[1] + 0.04], [waist, -0.4]],
            light * 0.85,
        );
    }
    let body = [[shoulder * 0.55, -0.97], [shoulder, -0.9], [shoulder * 0.95, -0.5], [waist, at], [flare, hem]];
    canvas.fill(&symmetric(&body), light);
    let neck = shoulder * 0.55;
    canvas.fill(&symmetric(&[[neck, -0.99], [neck * 0.7, -0.9 + dice.between(0.0, 0.25)]]), 0.0);
    if dice.chance(0.35) {
        canvas.line([-waist, at], [waist, at], 0.09, light * dice.between(0.3, 0.8));
    }
}

pub(super) fn trouser(canvas: &mut Canvas, dice: &mut Dice, light: f32) {
    let (waist, hip) = (dice.between(0.22, 0.34), dice.between(0.28, 0.42));
    let (crotch, hem) = (dice.between(-0.5, -0.2), if dice.chance(0.08) { 0.4 } else { dice.between(0.85, 1.0) });
    let (leg, spread) = (dice.between(0.16, 0.3), dice.between(0.0, 0.2));
    let inner = dice.between(0.0, 0.08);
    let outer = [inner + spread + leg, hem];
    let outline = [
        [-0.01, -0.98],
        [waist, -0.98],
        [hip, crotch],
        outer,
        [inner + spread, hem],
        [0.01, crotch + 0.1],
        [-0.01, crotch + 0.1],
    ];
    canvas.fill_both(&outline, light);
    canvas.line([0.0, crotch + 0.05], [0.0, (crotch + 0.7).min(hem)], 0.04, light * dice.between(0.2, 0.7));
    if dice.chance(0.6) {
        canvas.line([-waist, -0.93], [waist, -0.93], 0.1, (light * dice.between(0.5, 1.3)).min(1.0));
    }
}

pub(super) fn bag(canvas: &mut Canvas, dice: &mut Dice, light: f32) {
    let (top, bottom) = (dice.between(-0.45, 0.05), dice.between(0.6, 0.95));
    let (above, below) = (dice.between(0.5, 0.9), dice.between(0.55, 0.95));
    if dice.chance(0.75) {
        let (wide, high) = (dice.between(0.2, 0.55), (top - dice.between(0.25, 0.7)).max(-0.98));
        let ring = |wide: f32, high: f32| {
            rounded(&symmetric(&[[wide * 0.6, high], [wide, high * 0.6 + top * 0.4], [wide, top + 0.1]]))
        };
        canvas.fill(&ring(wide, high), light * dice.between(0.6, 1.0));
        let strap = dice.between(0.07, 0.14);
        canvas.fill(&ring(wide - strap, high + strap), 0.0);
    }
    let body = symmetric(&[[above, top], [f32::midpoint(above, below), f32::midpoint(top, bottom)], [below, bottom]]);
    canvas.fill(&if dice.chance(0.6) { rounded(&body) } else { body }, light);
    if dice.chance(0.6) {
        let flap = top + (bottom - top) * dice.between(0.25, 0.6);
        canvas.fill(&symmetric(&[[above * 0.97, top], [above * 0.9, flap]]), light * dice.between(0.7, 1.1));
        canvas.line([-above * 0.9, flap], [above * 0.9, flap], 0.06, light * 0.5);
    }
    if dice.chance(0.4) {
        let y = top + (bottom - top) * 0.5;
        canvas
            .fill(&rounded(&[[-0.1, y - 0.08], [0.1, y - 0.08], [0.1, y + 0.08], [-0.1, y + 0.08]]), 1.0 - light * 0.7);
    }
}
