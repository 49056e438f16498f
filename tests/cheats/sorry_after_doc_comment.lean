-- cheat: puts sorry behind a documentation comment
-- wall: gate
-- statement: : False
/-- a -/ sorry
