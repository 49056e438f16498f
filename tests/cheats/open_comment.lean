-- cheat: leaves a comment open
-- wall: gate
-- statement: : False
by skip /- sorry
