//! The parameters of a dense layer: weights and bias in panels, and behind them what an optimizer remembers.
//!
//! A layer has one panel for every 16 outputs. A panel holds `planes` planes, of which the first is the
//! weights; a plane has a row of 16 outputs for each input (padded to whole panels) and one for the bias.
//! Everything that belongs to an output panel is contiguous, so threads own what they update.

use crate::kernel::{LANES, Lanes, panels};

/// Weights (O, I) and bias (O) of a dense layer.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensors {
    /// Weights (O, I), row-major: an output's weights are neighbours, as in `torch.nn.Linear`.
    pub weight: Vec<f32>,
    /// Bias (O).
    pub bias: Vec<f32>,
}

/// Parameters of one layer in panels.
#[derive(Clone, Debug)]
pub(crate) struct Layer {
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
    planes: usize,
    pub(crate) data: Vec<Lanes>,
}

impl Layer {
    /// A layer of zeros with room for `memory` values for each parameter.
    pub(crate) fn new(inputs: usize, outputs: usize, memory: usize) -> Self {
        let plane = panels(inputs) * LANES + 1;
        let data = vec![Lanes::ZERO; panels(outputs) * (1 + memory) * plane];
        Self { inputs, outputs, planes: 1 + memory, data }
    }

    /// Inputs padded to whole panels.
    pub(crate) fn depth(&self) -> usize {
        panels(self.inputs) * LANES
    }

    /// Rows in a plane of a panel: a row for each padded input, and the bias.
    pub(crate) fn plane(&self) -> usize {
        self.depth() + 1
    }

    /// Rows from one output panel to the next.
    pub(crate) fn stride(&self) -> usize {
        self.planes * self.plane()
    }

    /// Number of planes: the weights, and one for each value remembered.
    pub(crate) fn planes(&self) -> usize {
        self.planes
    }

    /// Number of parameters.
    pub(crate) fn parameters(&self) -> usize {
        (self.inputs + 1) * self.outputs
    }

    /// Plane `plane` as tensors.
    pub(crate) fn tensors(&self, plane: usize) -> Tensors {
        let at = |output, row| self.at(plane, output, row);
        let value = |(place, lane): (usize, usize)| self.data[place].0[lane];
        let weight = (0..self.outputs).flat_map(|o| (0..self.inputs).map(move |i| (o, i)));
        Tensors {
            weight: weight.map(|(o, i)| value(at(o, i))).collect(),
            bias: (0..self.outputs).map(|o| value(at(o, self.depth()))).collect(),
        }
    }

    /// Sets plane `plane`; `tensors` have this layer's shape.
    pub(crate) fn set(&mut self, plane: usize, tensors: &Tensors) {
        assert_eq!(tensors.weight.len(), self.inputs * self.outputs, "weights of {} x {}", self.outputs, self.inputs);
        assert_eq!(tensors.bias.len(), self.outputs, "a bias for each output");
        for o in 0..self.outputs {
            for i in 0..self.inputs {
                let (place, lane) = self.at(plane, o, i);
                self.data[place].0[lane] = tensors.weight[o * self.inputs + i];
            }
            let (place, lane) = self.at(plane, o, self.depth());
            self.data[place].0[lane] = tensors.bias[o];
        }
    }

    /// A copy with `memory` zeros for each parameter instead of what was remembered.
    pub(crate) fn with_memory(&self, memory: usize) -> Self {
        let mut copy = Self::new(self.inputs, self.outputs, memory);
        copy.take_weights(self);
        copy
    }

    /// Takes the weights and biases of `other`, a layer of this shape, and leaves what is remembered.
    pub(crate) fn take_weights(&mut self, other: &Self) {
        let (stride, plane) = (self.stride(), self.plane());
        for (to, from) in self.data.chunks_exact_mut(stride).zip(other.data.chunks_exact(other.stride())) {
            to[..plane].copy_from_slice(&from[..plane]);
        }
    }

    /// True if every weight and bias is a finite number.
    pub(crate) fn is_finite(&self) -> bool {
        // A sum of zeros is 0 unless an infinity or NaN is among the factors.
        self.weights().flat_map(|lanes| &lanes.0).map(|w| w * 0.0).sum::<f32>() == 0.0
    }

    /// Root of the summed squares of every weight and bias.
    pub(crate) fn norm(&self) -> f64 {
        norm(self.weights().map(|lanes| lanes.0))
    }

    /// Root of the summed squares of what every weight and bias differs by from that of `other`, a layer of this shape.
    pub(crate) fn distance(&self, other: &Self) -> f64 {
        norm(self.weights().zip(other.weights()).map(|(a, b)| std::array::from_fn(|lane| a.0[lane] - b.0[lane])))
    }

    /// The plane of the weights and biases, panel after panel; what pads the panels is 0.
    fn weights(&self) -> impl Iterator<Item = &Lanes> {
        self.data.chunks_exact(self.stride()).flat_map(|panel| &panel[..self.plane()])
    }

    fn at(&self, plane: usize, output: usize, row: usize) -> (usize, usize) {
        (output / LANES * self.stride() + plane * self.plane() + row, output % LANES)
    }
}

/// Root of the summed squares of `values`.
fn norm(values: impl Iterator<Item = [f32; LANES]>) -> f64 {
    // A sum for each lane, so that the additions are a vector's.
    let mut sums = [0.0; LANES];
    for lanes in values {
        for (sum, w) in sums.iter_mut().zip(lanes) {
            *sum += f64::from(w) * f64::from(w);
        }
    }
    sums.iter().sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tensors_survive_the_panels_on_every_plane() {
        let (inputs, outputs) = (21, 35);
        let mut layer = Layer::new(inputs, outputs, 2);
        for plane in 0..3 {
            let value = |n: usize| (plane * 10_000 + n) as f32;
            let tensors = Tensors {
                weight: (0..inputs * outputs).map(value).collect(),
                bias: (0..outputs).map(|o| value(5_000 + o)).collect(),
            };
            layer.set(plane, &tensors);
            assert_eq!(layer.tensors(plane), tensors);
        }
        assert_eq!(layer.tensors(0), layer.with_memory(0).tensors(0));
        assert!(layer.with_memory(1).tensors(1).weight.iter().all(|&w| w == 0.0));
    }

    #[test]
    fn a_norm_is_of_weights_and_biases_and_a_distance_of_what_they_differ_by() {
        let filled = |memory: usize, weight: f32, bias: f32| {
            let mut layer = Layer::new(21, 35, memory);
            layer.set(0, &Tensors { weight: vec![weight; 21 * 35], bias: vec![bias; 35] });
            if memory > 0 {
                layer.set(1, &Tensors { weight: vec![9.0; 21 * 35], bias: vec![9.0; 35] });
            }
            layer
        };
        let (a, b) = (filled(2, 0.5, 2.0), filled(0, 0.25, 2.0));
        assert_eq!(a.norm(), (735.0_f64 * 0.25 + 35.0 * 4.0).sqrt());
        assert_eq!((a.distance(&b), a.distance(&a)), ((735.0_f64 / 16.0).sqrt(), 0.0));
        let mut copy = filled(1, 0.0, 0.0);
        copy.take_weights(&a);
        assert_eq!((copy.tensors(0), copy.tensors(1)), (a.tensors(0), filled(1, 0.0, 0.0).tensors(1)));
    }

    #[test]
    fn one_bad_weight_is_found() {
        for bad in [f32::NAN, f32::INFINITY] {
            let mut layer = Layer::new(3, 2, 1);
            assert!(layer.is_finite());
            layer.set(1, &Tensors { weight: vec![bad; 6], bias: vec![0.0; 2] });
            assert!(layer.is_finite(), "only weights count");
            layer.set(0, &Tensors { weight: vec![0.0; 6], bias: vec![0.0, bad] });
            assert!(!layer.is_finite());
        }
    }
}
