-- cheat: proves False from a decision that the kernel never saw
-- wall: gate
-- statement: : False
by
  have h : 1 = 2 := by
    set_option debug.skipKernelTC true in decide +kernel
  exact absurd h (by decide)
