-- cheat: lets sorry decide
-- wall: gate
-- statement: : 1 = 2
letI : Decidable (1 = 2) := .isTrue sorry
by decide
