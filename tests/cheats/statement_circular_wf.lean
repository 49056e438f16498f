-- cheat: recurses without getting smaller
-- statement: (n : Nat) : n < n
stp_target n
termination_by n
decreasing_by sorry
