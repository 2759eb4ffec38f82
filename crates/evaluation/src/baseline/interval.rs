//! An interval for the mean of differences between -1 and 1, without random numbers and without an approximation.
//!
//! Gains and losses are bounded apart, each between 0 and 1, each of the four bounds with a quarter of the error. So the interval
//! holds the true difference in at least 95 of 100 runs, however few tasks there are and however they are distributed.
//!
//! Where every difference is a whole win, a whole loss or nothing, the bounds are those of Clopper and Pearson (1934). Where tasks
//! have shares of trials, they are those of Bentkus (2004), Theorem 1.2: a sum of values in [0, 1] exceeds a number at most e
//! times as often as a binomial variable of the same mean.
//!
//! Only sums, products and quotients are used, which are the same on every machine.

/// How often the interval misses the true difference at most.
pub const ERROR: f64 = 0.05;

/// What one of the four bounds may miss.
const SHARE: f64 = ERROR / 4.0;

/// Halvings of the interval in which a bound is sought: as many as a number between 0 and 1 has binary places.
const HALVINGS: usize = 52;

/// What no longer changes a sum of weights of which the greatest is 1.
const NOTHING: f64 = 1e-18;

/// The interval for the mean of these differences; everything where there are none.
pub fn of(differences: &[f64]) -> (f64, f64) {
    let whole = differences.iter().all(|difference| difference.fract() == 0.0);
    let allowed = if whole { SHARE } else { SHARE / std::f64::consts::E };
    let n = differences.len();
    let gain: f64 = differences.iter().map(|difference| difference.max(0.0)).sum();
    let loss: f64 = differences.iter().map(|difference| (-difference).max(0.0)).sum();
    let low = at_least(gain, n, allowed) - at_most(loss, n, allowed);
    let high = at_most(gain, n, allowed) - at_least(loss, n, allowed);
    (low.max(-1.0), high.min(1.0))
}

/// The greatest mean under which a sum as small as this comes in at least the allowed share of runs.
fn at_most(sum: f64, n: usize, allowed: f64) -> f64 {
    let successes = sum.ceil() as usize;
    if successes >= n {
        return 1.0;
    }
    // The lower tail falls as the mean grows.
    halve(|mean| below_or_at(successes, n, mean) > allowed).1
}

/// The least mean under which a sum as great as this comes in at least the allowed share of runs.
fn at_least(sum: f64, n: usize, allowed: f64) -> f64 {
    let successes = sum.floor() as usize;
    if successes == 0 {
        return 0.0;
    }
    // The upper tail grows with the mean.
    halve(|mean| 1.0 - below_or_at(successes - 1, n, mean) <= allowed).0
}

/// Where between 0 and 1 a condition that holds at first ceases to, from both sides.
fn halve(holds: impl Fn(f64) -> bool) -> (f64, f64) {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(low, high);
        if holds(middle) { low = middle } else { high = middle }
    }
    (low, high)
}

/// The probability of at most so many successes in n trials. The weights are worked out from the likeliest number on, so that
/// none is too small to be held.
fn below_or_at(successes: usize, n: usize, mean: f64) -> f64 {
    if mean <= 0.0 {
        return 1.0;
    }
    if mean >= 1.0 {
        return if successes >= n { 1.0 } else { 0.0 };
    }
    let odds = mean / (1.0 - mean);
    let mode = (((n + 1) as f64 * mean) as usize).min(n);
    let (mut all, mut part) = (0.0, 0.0);
    let mut add = |number: usize, weight: f64| {
        all += weight;
        if number <= successes {
            part += weight;
        }
    };
    let mut weight = 1.0;
    for number in mode..=n {
        add(number, weight);
        weight *= (n - number) as f64 / (number + 1) as f64 * odds;
        if weight < NOTHING {
            break;
        }
    }
    weight = 1.0;
    for number in (1..=mode).rev() {
        weight *= number as f64 / (n - number + 1) as f64 / odds;
        if weight < NOTHING {
            break;
        }
        add(number - 1, weight);
    }
    part / all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(one: f64, other: f64) {
        assert!((one - other).abs() < 1e-6, "{one} is not {other}");
    }

    /// The bounds as tables of Clopper and Pearson have them, 95 % on two sides.
    #[test]
    fn bounds_of_counts_are_those_of_clopper_and_pearson() {
        for (successes, n, low, high) in [
            (0.0, 10, 0.0, 0.308_497_1),
            (5.0, 10, 0.187_086_0, 0.812_914_0),
            (10.0, 10, 0.691_502_9, 1.0),
            (1.0, 100, 0.000_253_1, 0.054_459_4),
        ] {
            close(at_least(successes, n, 0.025), low);
            close(at_most(successes, n, 0.025), high);
        }
    }

    #[test]
    fn the_interval_holds_the_difference_and_narrows_with_more_tasks() {
        let mut width = 2.0;
        for n in [4, 20, 100, 1_000, 20_000] {
            let differences: Vec<f64> = (0..n).map(|at| [1.0, 0.0, 0.0, -1.0, 0.0, 0.5][at % 6]).collect();
            let mean = differences.iter().sum::<f64>() / n as f64;
            let (low, high) = of(&differences);
            assert!(low <= mean && mean <= high, "{n}: {low} {mean} {high}");
            assert!(high - low < width, "{n}");
            width = high - low;
        }
    }

    #[test]
    fn nothing_seen_says_nothing() {
        assert_eq!(of(&[]), (-1.0, 1.0));
        // No flip among ten tasks does not mean that there is none to come.
        let (low, high) = of(&[0.0; 10]);
        close(low, -high);
        assert!(high > 0.3 && high < 0.4, "{high}");
    }

    #[test]
    fn both_directions_are_alike() {
        let one = [1.0, 0.0, -1.0, 1.0, 0.25, 0.0, 1.0];
        let (low, high) = of(&one);
        let (back_low, back_high) = of(&one.map(|difference: f64| -difference));
        close(low, -back_high);
        close(high, -back_low);
    }
}
