use super::*;
use proptest::prelude::*;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

fn costs(rows: usize, columns: usize, values: &[f32]) -> Costs {
    Costs::new(rows, columns, values.to_vec()).unwrap()
}

fn random(rows: usize, columns: usize, seed: u64) -> Costs {
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    let mut vectors = |count| -> Vec<Vec<f32>> {
        (0..count).map(|_| (0..8).map(|_| generator.random::<f32>() - 0.3).collect()).collect()
    };
    let (a, b) = (vectors(rows), vectors(columns));
    Costs::cosine(&a, &b)
}

#[test]
fn cosine_costs_know_directions() {
    let found =
        Costs::cosine(&[vec![1.0, 0.0], vec![0.0, 0.0]], &[vec![3.0, 0.0], vec![0.0, 1.0], vec![-2.0, 0.0]]);
    assert_eq!(found, costs(2, 3, &[0.0, 1.0, 2.0, 1.0, 1.0, 1.0]));
    assert!(Costs::new(2, 2, vec![0.0; 3]).is_none());
}

#[test]
fn statements_go_to_near_conjectures_up_to_the_limit() {
    // Both statements are nearest to the first conjecture.
    let near = costs(2, 2, &[0.0, 0.1, 0.0, 1.0]);
    for method in [Transport::Auto, Transport::Exact, Transport::Nearest] {
        assert_eq!(weigh(&near, method, 4.0, 100).weights, [2.0, 0.0], "{method:?}");
    }
    let limited = weigh(&near, Transport::Exact, 1.0, 100);
    assert_eq!(limited.weights, [1.0, 1.0]);
    assert!((limited.cost - 0.05).abs() < 1e-6);
    assert!(
        (weigh(&near, Transport::Nearest, 1.0, 100).cost - 0.5).abs() < 1e-6,
        "the first takes the best place"
    );
}

#[test]
fn nothing_to_match_with_changes_nothing() {
    assert_eq!(weigh(&costs(0, 3, &[]), Transport::Auto, 4.0, 100).weights, [1.0; 3]);
    assert!(weigh(&costs(3, 0, &[]), Transport::Auto, 4.0, 100).weights.is_empty());
}

#[test]
fn auto_takes_sinkhorn_above_the_limit() {
    let random = random(30, 20, 5);
    assert_eq!(weigh(&random, Transport::Auto, 4.0, 600), exact(&random, 4.0));
    assert_eq!(weigh(&random, Transport::Auto, 4.0, 599), sinkhorn(&random, 4.0));
}

/// The least cost of all assignments.
fn brute_force(costs: &Costs, capacity: usize) -> f64 {
    fn best(costs: &Costs, row: usize, load: &mut [usize], capacity: usize) -> f64 {
        if row == costs.rows {
            return 0.0;
        }
        let mut least = f64::INFINITY;
        for column in 0..costs.columns {
            if load[column] < capacity {
                load[column] += 1;
                let here = f64::from(costs.row(row)[column]);
                least = least.min(here + best(costs, row + 1, load, capacity));
                load[column] -= 1;
            }
        }
        least
    }
    best(costs, 0, &mut vec![0; costs.columns], capacity) / costs.rows as f64
}

proptest! {
    #[test]
    fn exact_is_the_cheapest(rows in 1usize..7, columns in 1usize..5, seed in 0u64..1000, largest in 1.0f64..4.0) {
        let random = random(rows, columns, seed);
        let found = exact(&random, largest);
        let least = brute_force(&random, random.capacity(largest));
        prop_assert!((found.cost - least).abs() < 1e-6, "{} instead of {least}", found.cost);
        prop_assert!(nearest(&random, largest).cost >= least - 1e-6);
    }

    #[test]
    fn weights_are_1_on_average_and_limited(rows in 1usize..40, columns in 1usize..40, seed in 0u64..1000) {
        let random = random(rows, columns, seed);
        let most = random.capacity(4.0) as f64 * columns as f64 / rows as f64;
        for found in [exact(&random, 4.0), nearest(&random, 4.0), sinkhorn(&random, 4.0)] {
            let sum: f64 = found.weights.iter().sum();
            prop_assert!((sum / columns as f64 - 1.0).abs() < 0.02, "{sum}");
            prop_assert!(found.weights.iter().all(|&weight| (0.0..most + 1e-9).contains(&weight)));
        }
    }

    #[test]
    fn sinkhorn_is_nearly_the_cheapest(rows in 2usize..40, columns in 2usize..40, seed in 0u64..1000) {
        let random = random(rows, columns, seed);
        let (least, found) = (exact(&random, 2.0).cost, sinkhorn(&random, 2.0).cost);
        let spread: f64 = random.values.iter().map(|&cost| f64::from(cost)).sum::<f64>() / random.values.len() as f64;
        // A hundredth of the mass may be where it does not belong, so the plan may even seem too cheap.
        prop_assert!(found > least - 0.01 * spread && found < least + 0.03 * spread, "{found} instead of {least}");
    }
}
