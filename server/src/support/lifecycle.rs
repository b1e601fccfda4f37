//! Every task of the process is spawned here, so that none outlives it and a stop can wait for all.
//!
//! A stop has three stages. *Leaving*: nothing new, please, and clients are sent elsewhere; all still
//! works. *Soft*: finish what you hold and return. *Hard*: drop it now; sent when the soft stage took
//! too long or another signal came.

use std::future::Future;

use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Handle to spawn tracked tasks and to learn that the process stops. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Lifecycle {
    tracker: TaskTracker,
    leaving: CancellationToken,
    soft: CancellationToken,
    hard: CancellationToken,
}

impl Lifecycle {
    /// A lifecycle in which nothing runs yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Spawns a task that is dropped when the hard stage begins.
    ///
    /// The task itself should watch [`Self::stopping`] and return soon after it.
    pub fn spawn<F>(&self, name: &'static str, task: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let hard = self.hard.clone();
        self.tracker.spawn(async move {
            tokio::select! {
                biased;
                () = hard.cancelled() => tracing::warn!(task = name, "task dropped by the hard stop"),
                () = task => tracing::debug!(task = name, "task ended"),
            }
        });
    }

    /// Begins the first stage: whoever sends traffic here should stop doing so.
    pub fn leave(&self) {
        self.leaving.cancel();
    }

    /// Has the first stage, or a later one, begun?
    #[must_use]
    pub fn is_leaving(&self) -> bool {
        self.leaving.is_cancelled()
    }

    /// Resolves when the process begins to stop.
    #[must_use]
    pub fn stopping(&self) -> CancellationToken {
        self.soft.clone()
    }

    /// The tracker itself, for libraries that spawn their own tasks (the SignalR server).
    #[must_use]
    pub fn tracker(&self) -> TaskTracker {
        self.tracker.clone()
    }

    /// Begins the soft stage: every task is asked to finish.
    pub fn stop(&self) {
        self.leaving.cancel();
        self.soft.cancel();
        self.tracker.close();
    }

    /// Begins the hard stage: every task still running is dropped.
    pub fn kill(&self) {
        self.stop();
        self.hard.cancel();
    }

    /// Resolves when a stop was asked for and every task has ended.
    pub async fn ended(&self) {
        self.soft.cancelled().await;
        self.tracker.wait().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_task_that_ignores_the_soft_stage_falls_to_the_hard_one() {
        let life = Lifecycle::new();
        life.spawn("deaf", std::future::pending());
        life.stop();
        assert!(!life.tracker.is_empty());
        life.kill();
        life.ended().await;
    }
}
