-- cheat: ends a comment that holds another
-- wall: gate
-- statement: : False
by /- /- -/ skip -/
  exact sorry
