-- cheat: puts sorry in a local declaration
-- statement: : False
go
where
  go : False := sorry
