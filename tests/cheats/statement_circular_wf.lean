-- cheat: recurses without getting smaller
-- wall: gate
-- statement: (n : Nat) : n < n
stp_target n
termination_by n
decreasing_by sorry
