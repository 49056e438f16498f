-- cheat: hides sorry behind a type ascription
-- wall: gate
-- statement: : False
absurd (sorry : 1 = 2) (by decide)
