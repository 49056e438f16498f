-- cheat: reads the environment of the process
-- wall: gate
-- statement: : 1 = 2
by
  first
  | (simp (maxSteps := (List.range 1).foldl (fun a x => ((unsafeCast ((_root_.IO.getEnv "HOME" : _root_.IO (Option String))) : Nat → List Nat) x).foldl (fun n _ => n + 1) (a + 1)) 5); done)
  | exact False.elim Nat.pow_lt_pow_iff_pow_mul_le_pow
