//! Shoes, toe to the left.

use super::canvas::{Canvas, Dice, rounded};

pub(super) fn sneaker(canvas: &mut Canvas, dice: &mut Dice, light: f32) {
    let ground = dice.between(0.3, 0.5);
    // A high-top reaches as far up as a low boot.
    let ankle = if dice.chance(0.12) { dice.between(0.7, 0.95) } else { dice.between(0.35, 0.65) };
    let (instep, front) = (dice.between(-0.3, -0.05), dice.between(0.05, 0.3));
    upper(canvas, dice, light, [ground, ground - ankle, instep, front]);
    let sole = if dice.chance(0.6) { dice.between(0.7, 1.0) } else { light * dice.between(0.3, 0.8) };
    let thick = dice.between(0.1, 0.2);
    canvas
        .fill(&rounded(&[[-0.97, ground - thick], [0.92, ground - thick * 1.2], [0.92, ground], [-0.9, ground]]), sole);
    for i in 0..3 {
        let x = -0.3 + 0.16 * i as f32;
        canvas.line(
            [x, ground - 0.22 - ankle * 0.3 * (i as f32 * 0.3 + 0.6)],
            [x + 0.12, ground - 0.2],
            0.05,
            1.0 - light * 0.8,
        );
    }
    if dice.chance(0.4) {
        canvas.line([0.1, ground - thick], [0.45, ground - 0.8 * ankle], 0.1, 1.0 - light * 0.7);
    }
}

pub(super) fn boot(canvas: &mut Canvas, dice: &mut Dice, light: f32) {
    let ground = dice.between(0.55, 0.85);
    let shaft = if dice.chance(0.2) { dice.between(0.75, 1.0) } else { dice.between(1.05, 1.6) };
    let heel = if dice.chance(0.5) { dice.between(0.1, 0.4) } else { 0.0 };
    let lift = ground - heel * 0.5;
    let instep = dice.between(-0.1, 0.15);
    let front = instep + dice.between(0.0, 0.12);
    upper(canvas, dice, light, [lift, (ground - shaft).max(-0.97), instep, front]);
    let tone = light * dice.between(0.3, 0.9);
    let block = dice.between(0.12, 0.35);
    canvas.fill(&[[0.9 - block, lift - 0.08], [0.92, lift - 0.08], [0.88, ground], [0.95 - block, ground]], tone);
    canvas.fill(&[[-0.95, lift - 0.07], [0.9, lift - 0.09], [0.9, lift], [-0.9, lift + heel * 0.2]], tone);
    if dice.chance(0.4) {
        canvas.line([0.55, (ground - shaft).max(-0.9)], [0.5, lift - 0.3], 0.07, light * 0.5);
    }
}

/// The upper of a shoe, from `ground` up to `top`, its front edge running from `instep` to `front`.
fn upper(canvas: &mut Canvas, dice: &mut Dice, light: f32, [ground, top, instep, front]: [f32; 4]) {
    let toe = ground - dice.between(0.22, 0.38);
    let middle = toe + (top - toe) * dice.between(0.2, 0.4);
    let outline = [
        [-0.95, ground],
        [-0.95, toe + 0.06],
        [-0.6, toe],
        [instep, middle],
        [front, top],
        [dice.between(0.75, 0.9), top - 0.04],
        [0.85, toe],
        [0.9, ground],
    ];
    canvas.fill(&rounded(&outline), light);
}

pub(super) fn sandal(canvas: &mut Canvas, dice: &mut Dice, light: f32) {
    let light = light.max(0.4);
    let ground = dice.between(0.35, 0.8);
    let heel = if dice.chance(0.45) { 0.05 } else { dice.between(0.2, 0.8) };
    let back = ground - heel;
    let thick = dice.between(0.07, 0.16);
    // The sole, flat under the toes and rising to the heel.
    canvas.fill(
        &[
            [-0.95, ground - thick],
            [-0.35, ground - thick],
            [0.5, back - thick],
            [0.92, back - thick],
            [0.92, back],
            [0.4, back],
            [-0.3, ground],
            [-0.9, ground],
        ],
        light,
    );
    let block = if dice.chance(0.3) { 1.0 } else { dice.between(0.06, 0.2) };
    canvas.fill(
        &[[0.9 - block, back - heel * 0.05], [0.92, back], [0.88, ground], [0.92 - block, ground]],
        light * dice.between(0.6, 1.0),
    );
    let strap = light * dice.between(0.5, 1.2).min(1.0 / light);
    for _ in 0..dice.between(1.0, 3.9) as usize {
        let x = dice.between(-0.85, -0.35);
        let wide = dice.between(0.2, 0.5);
        let high = ground - thick - dice.between(0.15, 0.35);
        canvas.line([x, ground - thick], [x + wide * 0.5, high], dice.between(0.06, 0.14), strap);
        canvas.line([x + wide * 0.5, high], [x + wide, ground - thick - heel * 0.2], dice.between(0.06, 0.14), strap);
    }
    if dice.chance(0.75) {
        let high = back - dice.between(0.25, 0.6);
        canvas.line([0.85, back], [0.8, high], dice.between(0.06, 0.12), strap);
        canvas.line([0.8, high], [dice.between(0.0, 0.4), high + 0.05], dice.between(0.06, 0.12), strap);
        if dice.chance(0.5) {
            canvas.line([0.3, high + 0.05], [dice.between(-0.1, 0.2), back + heel * 0.3], 0.07, strap);
        }
    }
}
