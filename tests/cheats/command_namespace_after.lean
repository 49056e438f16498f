-- cheat: opens a namespace that renames what follows
-- statement: : True
trivial
namespace X
