-- cheat: hides sorry behind an arrow that swallows the start of a comment
-- wall: gate
-- statement: : 2 + 2 = 5
by
  rw [<--sorry
  ]
