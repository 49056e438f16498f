-- cheat: adds a prefix operator
-- wall: gate
-- statement: : True
trivial
prefix:max "cheat" => id
