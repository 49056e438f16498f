-- cheat: hides sorry in a side lemma
-- wall: gate
-- statement: (n : Nat) : n * n = n + n
by
  have h : ∀ m : Nat, m * m = m + m := by
    intro m
    sorry
  exact h n
