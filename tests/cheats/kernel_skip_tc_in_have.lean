-- cheat: hides the skipped check in a lemma of a true statement
-- wall: gate
-- statement: (n : Nat) : n = n + 1
by
  have h : 0 = 1 := by
    set_option debug.skipKernelTC true in decide +kernel
  exact absurd h (by decide)
