-- cheat: declares an instance that lies
-- wall: gate
-- statement: : False
by decide
instance : Decidable False := .isTrue sorry
