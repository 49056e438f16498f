-- cheat: puts sorry in one branch only
-- wall: gate
-- statement: (n : Nat) : n < 5
match n with
| 0 => by decide
| _ + 1 => sorry
