def problems_of(folder): return []
