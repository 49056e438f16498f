//! Asking a pool many things at once.

use futures_util::{StreamExt, TryStreamExt, stream};

use crate::handle::Pool;

/// Asks about each item and gives the answers in the items' order.
///
/// At most `ahead` questions for each of the pool's workers are under way at a time (at least one), and items are taken
/// no sooner than that, so any number of them costs no more memory than their answers. `each` sees every answer, in
/// order, as soon as it and those before it are there. Whoever drops the future drops what is under way.
///
/// # Errors
/// The first error of `ask`, in the order of the items; what is under way then is dropped.
pub async fn ask_each<T, A, E, F>(
    pool: &Pool,
    ahead: usize,
    items: impl IntoIterator<Item = T>,
    mut ask: impl FnMut(Pool, T) -> F,
    each: impl FnMut(&A),
) -> Result<Vec<A>, E>
where
    F: Future<Output = Result<A, E>>,
{
    let most = ahead.saturating_mul(pool.workers()).max(1);
    let questions = items.into_iter().map(|item| ask(pool.clone(), item));
    stream::iter(questions).buffered(most).inspect_ok(each).try_collect().await
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use stp_datasets::{Status, Verdict};

    use super::*;
    use crate::{Candidate, Script};

    fn pool() -> Pool {
        Pool::scripted(Script::new(|_| Verdict::new(Status::Proved, "")).workers(2))
    }

    #[tokio::test]
    async fn few_are_under_way_and_answers_come_in_order() {
        let script =
            Script::new(|candidate| Verdict::new(Status::Failed, candidate.proof.clone())).workers(2);
        let log = script.log();
        let pool = Pool::scripted(script);
        let mut seen = Vec::new();
        let ask = |pool: Pool, number: usize| async move {
            pool.check(Candidate::new("", ": True", format!("x{number}"))).await
        };
        let answers =
            ask_each(&pool, 2, 0..1000, ask, |verdict| seen.push(verdict.messages.clone())).await.unwrap();
        let wanted: Vec<_> = (0..1000).map(|number| vec![format!("x{number}")]).collect();
        assert_eq!(answers.into_iter().map(|verdict| verdict.messages).collect::<Vec<_>>(), wanted);
        assert_eq!((seen, log.asked().len()), (wanted, 1000));
        assert!((2..=4).contains(&log.most_under_way()), "{}", log.most_under_way());
    }

    #[tokio::test]
    async fn slow_answers_keep_their_place() {
        let ask = |_, number: usize| async move {
            for _ in 0..(7 * number) % 5 {
                tokio::task::yield_now().await;
            }
            Ok::<_, Infallible>(number)
        };
        let answers = ask_each(&pool(), 3, 0..100, ask, |_| {}).await.unwrap();
        assert_eq!(answers, (0..100).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn after_an_error_nothing_more_is_asked() {
        let asked = AtomicUsize::new(0);
        let ask = |_, number: usize| {
            asked.fetch_add(1, Ordering::Relaxed);
            async move { if number == 10 { Err("the eleventh") } else { Ok(number) } }
        };
        let mut seen = 0;
        let error = ask_each(&pool(), 1, 0..1000, ask, |_| seen += 1).await.unwrap_err();
        assert_eq!((error, seen), ("the eleventh", 10));
        assert!(asked.load(Ordering::Relaxed) <= 12);
    }
}
