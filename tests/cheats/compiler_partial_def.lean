-- cheat: proves by a function that does not end
-- statement: : False
go
where partial go : False := go
