-- cheat: adds a prefix operator
-- statement: : True
trivial
prefix:max "cheat" => id
