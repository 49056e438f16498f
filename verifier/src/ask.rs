//! Asking a pool many things at once.

use futures_util::{StreamExt, TryStreamExt, stream};

use crate::handle::Pool;

/// Asks about each item and gives the answers in the items' order.
///
/// At most `ahead` questions for each of the pool's workers are under way at a time (at least one), and items are taken
/// no sooner than that, so any number of them costs no more memory than their answers. A slow answer holds up no other:
/// `each` sees every answer as soon as it is there, in the order in which they come. Whoever drops the future drops what
/// is under way.
///
/// # Errors
/// The first error of `ask`, in the order in which answers come; what is under way then is dropped.
pub async fn ask_each<T, A, E, F>(
    pool: &Pool,
    ahead: usize,
    items: impl IntoIterator<Item = T>,
    mut ask: impl FnMut(Pool, T) -> F,
    mut each: impl FnMut(&A),
) -> Result<Vec<A>, E>
where
    F: Future<Output = Result<A, E>>,
{
    let most = ahead.saturating_mul(pool.workers()).max(1);
    let questions = items.into_iter().enumerate().map(|(index, item)| {
        let question = ask(pool.clone(), item);
        async move { question.await.map(|answer| (index, answer)) }
    });
    let answers = stream::iter(questions).buffer_unordered(most).inspect_ok(|(_, answer)| each(answer));
    let mut answers: Vec<(usize, A)> = answers.try_collect().await?;
    answers.sort_unstable_by_key(|(index, _)| *index);
    Ok(answers.into_iter().map(|(_, answer)| answer).collect())
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use stp_datasets::{Status, Verdict};
    use tokio::sync::Notify;

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
        let mut wanted: Vec<_> = (0..1000).map(|number| vec![format!("x{number}")]).collect();
        assert_eq!(answers.into_iter().map(|verdict| verdict.messages).collect::<Vec<_>>(), wanted);
        wanted.sort();
        seen.sort();
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
    async fn a_slow_answer_holds_up_no_other() {
        let (others_answered, left) = (Notify::new(), AtomicUsize::new(99));
        let ask = |_, number: usize| {
            let (others_answered, left) = (&others_answered, &left);
            async move {
                if number == 0 {
                    others_answered.notified().await;
                } else if left.fetch_sub(1, Ordering::Relaxed) == 1 {
                    others_answered.notify_one();
                }
                Ok::<_, Infallible>(number)
            }
        };
        let (pool, mut seen) = (pool(), Vec::new());
        let asking = ask_each(&pool, 2, 0..100, ask, |number| seen.push(*number));
        let answers = tokio::time::timeout(Duration::from_secs(20), asking).await.unwrap().unwrap();
        assert_eq!(answers, (0..100).collect::<Vec<_>>());
        assert_eq!((seen.len(), seen.last()), (100, Some(&0)), "as soon as they were there");
    }

    #[tokio::test]
    async fn the_error_that_comes_first_ends_it() {
        let ask = |_, number: usize| async move {
            if number == 0 {
                std::future::pending::<()>().await;
            }
            Err::<(), _>(number)
        };
        let pool = pool();
        let asking = ask_each(&pool, 1, 0..10, ask, |_| {});
        assert_eq!(tokio::time::timeout(Duration::from_secs(20), asking).await.unwrap(), Err(1));
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
