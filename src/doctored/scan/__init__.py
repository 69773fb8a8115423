"""Sources to records: any number of pictures, through killable workers, in input order, into sinks."""
